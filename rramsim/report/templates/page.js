"use strict";
// The whole script of a report. Without it the page is whole: tables stand in their order, and
// browsers show the values of figures by themselves.

// A press on the head of a column sorts a table by it: up, down, and back to the order of the page.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const cell = row.cells[column];
    const value = cell.dataset.value;
    // Of what has no value, nothing is known: NaN.
    return value === undefined ? cell.textContent.trim() : value === "" ? NaN : Number(value);
  };
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number"
      ? one - other
      : String(one).localeCompare(String(other), "en", { numeric: true });
  const sorted = (column, direction) => {
    const sign = { ascending: 1, descending: -1, none: 0 }[direction];
    return rows
      .map((row) => ({ row, key: key(row, column) }))
      .sort((one, other) => {
        const unknown = Number.isNaN(one.key) - Number.isNaN(other.key);
        return sign && (unknown || (Number.isNaN(one.key) ? 0 : sign * compare(one.key, other.key)));
      })
      .map((entry) => entry.row);
  };
  heads.forEach((head, column) => {
    if (!head.hasAttribute("aria-sort")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" };
      const direction = next[head.getAttribute("aria-sort")];
      for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", direction);
      body.append(...sorted(column, direction));
    });
  });
}

// Points of a figure say their values when they are pointed at or touched, those that lie upon
// each other together, and one after the other when the arrow keys go through a figure.
const REACH = { mouse: 14, touch: 28, pen: 20 };
const TOGETHER = 3;
const box = document.createElement("div");
box.className = "values";
box.setAttribute("role", "status");
box.hidden = true;
document.body.append(box);
let near = [];

function hide() {
  for (const point of near) point.classList.remove("near");
  near = [];
  box.hidden = true;
}

function middle(point) {
  const { x, y, width, height } = point.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}

function show(points, x, y, reach) {
  const places = points
    .map((point) => {
      const [across, down] = middle(point);
      return { point, distance: Math.hypot(across - x, down - y) };
    })
    .sort((one, other) => one.distance - other.distance);
  hide();
  if (!places.length || places[0].distance > reach) return;
  near = places.filter((place) => place.distance < places[0].distance + TOGETHER).map((place) => place.point);
  for (const point of near) point.classList.add("near");
  const lines = [...new Set(near.map((point) => point.dataset.value))].map((text) => {
    const line = document.createElement("div");
    line.textContent = text;
    return line;
  });
  box.replaceChildren(...lines);
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const right = document.documentElement.clientWidth - width - 8;
  const above = y - height - 14;
  box.style.left = `${Math.max(8, Math.min(x + 14, right))}px`;
  box.style.top = `${above < 8 ? y + 18 : above}px`;
}

for (const svg of document.querySelectorAll("figure svg")) {
  const points = [...svg.querySelectorAll("circle.value")];
  if (!points.length) continue;
  for (const point of points) {
    // The browser would show the title as well.
    const title = point.querySelector("title");
    point.dataset.value = title.textContent;
    title.remove();
  }
  const pointed = ({ clientX, clientY, pointerType }) =>
    show(points, clientX, clientY, REACH[pointerType] ?? REACH.mouse);
  for (const kind of ["pointermove", "pointerdown"]) svg.addEventListener(kind, pointed);
  svg.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());
  const steps = { ArrowRight: 1, ArrowLeft: -1 };
  let place = -1;
  svg.parentElement.tabIndex = 0;
  svg.parentElement.addEventListener("blur", hide);
  svg.parentElement.addEventListener("keydown", (event) => {
    if (!(event.key in steps)) return;
    event.preventDefault();
    place = place < 0 && steps[event.key] < 0 ? points.length - 1 : place + steps[event.key];
    place = (place + points.length) % points.length;
    points[place].scrollIntoView({ block: "nearest", inline: "nearest" });
    // What scrolls hides what is said.
    requestAnimationFrame(() => requestAnimationFrame(() => show(points, ...middle(points[place]), 1)));
  });
}
addEventListener("pointerdown", (event) => event.target.closest?.("figure svg") || hide());
addEventListener("scroll", hide, true);
addEventListener("keydown", (event) => event.key === "Escape" && hide());
