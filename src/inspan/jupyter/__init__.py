"""A face for notebooks: one code session behind the Jupyter messaging protocol.

It speaks to a session as any program does and knows neither tasks nor how a session is run.
"""
