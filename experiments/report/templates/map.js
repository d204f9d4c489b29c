// Shows the drawing, the text and the partners of the point at hand.
(() => {
  const points = JSON.parse(document.getElementById("points").textContent);
  const space = document.querySelector("svg.space");
  const marks = [...space.querySelectorAll(".point")];
  const links = space.querySelector(".links");
  const shown = document.querySelector(".shown");
  const REACH = 24;  // Pixels of the screen.
  const MAX_PICTURES = 9;
  let current = null;

  function element(name, text, attributes = {}) {
    const made = document.createElement(name);
    made.textContent = text;
    return Object.assign(made, attributes);
  }

  function picture(point) {
    return element("img", "", { src: point.picture, alt: point.name });
  }

  function show(index) {
    if (index === current) return;
    const point = points[index];
    const near = new Set([index, ...point.partners.map(([i]) => i)]);
    space.classList.add("chosen");
    marks.forEach((mark, i) => {
      mark.classList.toggle("near", near.has(i));
      mark.classList.toggle("current", i === index);
      mark.tabIndex = i === index ? 0 : -1;
    });
    links.innerHTML = point.partners.map(([i]) =>
      `<path d="M${point.x} ${point.y}L${points[i].x} ${points[i].y}"/>`
    ).join("");
    describe(point);
    current = index;
  }

  function describe(point) {
    const isImage = point.kind === "image";
    const others = point.partners.map(([i]) => points[i]);
    const images = (isImage ? [point] : others).filter((p) => p.picture);
    const pictures = element("div", "", { className: "pictures" });
    pictures.append(...images.slice(0, MAX_PICTURES).map(picture));
    const count = others.length;
    const mean = point.partners.reduce((sum, [, c]) => sum + c, 0) / count;
    const partners = isImage ? "text" : "image";
    const line = count > 1
      ? `mean cosine to its ${count} ${partners}s: ${mean.toFixed(2)}`
      : count ? `cosine to its ${partners}: ${mean.toFixed(2)}` : "";
    const words = element("div", "");
    words.append(
      element("strong", point.name),
      element("p", isImage ? "an image" : "a text"), element("p", line),
    );
    shown.replaceChildren(pictures, words);
  }

  function pointed(event) {
    const mark = event.target.closest(".point");
    if (mark) return marks.indexOf(mark);
    // From pixels of the screen to units of the drawing.
    const scale = space.getScreenCTM();
    const x = (event.clientX - scale.e) / scale.a;
    const y = (event.clientY - scale.f) / scale.d;
    const far = points.map((p) => Math.hypot(p.x - x, p.y - y));
    const least = Math.min(...far);
    return least * scale.a < REACH ? far.indexOf(least) : null;
  }

  function step(index, dx, dy) {
    // The nearest point within 45 degrees of the direction.
    let found = index, least = Infinity;
    points.forEach((p, i) => {
      const x = p.x - points[index].x, y = p.y - points[index].y;
      const along = x * dx + y * dy, far = Math.hypot(x, y);
      if (i !== index && far < least && along > 0 && along >= 0.7 * far) {
        found = i;
        least = far;
      }
    });
    return found;
  }

  for (const kind of ["pointermove", "pointerdown"]) {
    space.addEventListener(kind, (event) => {
      const index = pointed(event);
      if (index !== null) show(index);
    });
  }
  space.addEventListener("focusin", (event) => {
    show(marks.indexOf(event.target.closest(".point")));
  });
  space.addEventListener("keydown", (event) => {
    const directions = {
      ArrowRight: [1, 0], ArrowLeft: [-1, 0],
      ArrowDown: [0, 1], ArrowUp: [0, -1],
    };
    if (event.key in directions) {
      event.preventDefault();
      const from = marks.indexOf(document.activeElement);
      marks[step(from, ...directions[event.key])].focus();
    }
  });
})();
