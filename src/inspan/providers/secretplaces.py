"""Where programs keep what others must not read: hidden from every sandbox unless a user shows it.

A list is never whole. Whoever wants a home that shows nothing hides ``~`` in the settings, and
shows what is needed.
"""

from __future__ import annotations

from typing import Final

#: In a home.
HOME: Final = (  # noqa: SIM905 - twenty lines rather than ninety
    ".ssh .gnupg .pki .age .config/age .config/sops .password-store .local/share/pass "
    ".local/share/keyrings .local/share/kwalletd .config/keepassxc .config/op .config/Bitwarden "
    ".aws .azure .config/gcloud .oci .ibmcloud .config/doctl .config/hcloud .config/scaleway "
    ".config/heroku .fly .vercel .local/share/com.vercel.cli .netlify .config/netlify .wrangler "
    ".config/.wrangler .kube .docker .config/containers/auth.json .config/helm .terraform.d "
    ".terraformrc .vault-token .databrickscfg .snowsql .config/rclone .s3cfg .boto "
    ".netrc .git-credentials .config/git/credentials .config/gh .config/hub .config/glab-cli "
    ".npmrc .yarnrc.yml .pypirc .config/pypoetry/auth.toml .config/pip/pip.conf .pip/pip.conf "
    ".cargo/credentials .cargo/credentials.toml .gem/credentials .m2/settings.xml "
    ".m2/settings-security.xml .gradle/gradle.properties .composer/auth.json .nuget/NuGet "
    ".pgpass .my.cnf .mylogin.cnf .config/pgcli .dbshell .cache/huggingface/token "
    ".mozilla .thunderbird .config/google-chrome .config/chromium .config/BraveSoftware "
    ".config/microsoft-edge .config/vivaldi .config/opera .var/app snap .config/Signal "
    ".config/Slack .config/discord .config/evolution .local/share/evolution .mutt .msmtprc "
    ".bash_history .zsh_history .zhistory .local/share/fish/fish_history .python_history "
    ".node_repl_history .psql_history .mysql_history .sqlite_history .rediscli_history "
    ".lesshst .local/share/atuin .Xauthority .ICEauthority .config/github-copilot "
    ".config/Code .vscode-server .cursor .config/Cursor"
).split()
#: Of the system, which only some users may read.
SYSTEM: Final = (
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssl/private",
    "/etc/wireguard",
    "/etc/NetworkManager/system-connections",
    "/etc/krb5.keytab",
    "/lost+found",
)
#: Sockets of the system and of the user's own services: who reaches them has others work for it.
SERVICES: Final = ("/run", "/var/run")
#: What of these a program needs to find other machines.
NEEDED: Final = (
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager/resolv.conf",
    "/run/NetworkManager/no-stub-resolv.conf",
)
#: Variables that name what is hidden.
VARIABLES: Final = (
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "INSPAN_HOME",
    "SSH_AUTH_SOCK",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
)
