// Lays out graphs of a hundred tasks that wait for up to three others, and tells what is amiss.
async () => {
  const { layered, path } = await import("/web/graph.js");
  const [width, height] = [164, 44];
  const faults = [];
  let tasks = 0;
  const named = (n) => String(n).padStart(26, "0");
  for (let seed = 1; seed <= 3; seed += 1) {
    let state = seed;
    const chance = (below) => (state = state * 48271 % 2147483647) % below;
    const made = new Map();
    for (let n = 0; n < 100; n += 1) {
      const after = Array.from({ length: 1 + chance(3) }, () => named(Math.max(0, n - 1 - chance(30))));
      const spec = { after: n ? [...new Set(after)] : [], command: [named(n)] };
      made.set(named(n), { id: named(n), state: "pending", spec });
    }
    const nodes = layered(made);
    tasks += nodes.length;
    for (const one of nodes) {
      for (const other of nodes) {
        const near = Math.abs(one.x - other.x) < width && Math.abs(one.y - other.y) < height;
        if (one !== other && near) faults.push(`${one.task.id} covers ${other.task.id}`);
      }
      for (const to of one.after) {
        if (to.x < one.x + width) faults.push(`${one.task.id} to ${to.task.id} leads back`);
        const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
        line.setAttribute("d", path(one, to));
        const others = nodes.filter((it) => it !== one && it !== to && it.layer >= one.layer && it.layer <= to.layer);
        for (let at = 0; at <= line.getTotalLength(); at += 20) {
          const { x, y } = line.getPointAtLength(at);
          const inside = (it) => x > it.x && x < it.x + width && y > it.y && y < it.y + height;
          const met = others.find(inside);
          if (met) { faults.push(`${one.task.id} to ${to.task.id} passes ${met.task.id}`); break; }
        }
      }
    }
  }
  return { tasks, faults };
}
