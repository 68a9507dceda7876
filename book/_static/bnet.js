// The theme's arrows beside chapters that have pages below them carry no text: name them for those who don't see them.
document.addEventListener("DOMContentLoaded", () => {
  for (const arrow of document.querySelectorAll(".bd-links summary")) {
    arrow.setAttribute("aria-label", `Pages of ${arrow.closest("li").querySelector("a").textContent.trim()}`);
  }
});

// What scrolls sideways can be scrolled by keys.
window.addEventListener("load", () => {
  for (const figure of document.querySelectorAll(".bd-article figure")) {
    if (figure.scrollWidth > figure.clientWidth) { figure.tabIndex = 0; }
  }
});
