// What a keyboard must reach: what scrolls in itself and has nothing in it that could take the focus.
const SCROLLS = ".vk-scroll, .vk-detail, .vk-figures .vk-panel > div, #vk-happened";
const TAKES_FOCUS = "a[href], button:not(:disabled), input, select, [tabindex]";

// Looks at all of them, and again as they fill.
export function reach() {
  look();
  setInterval(() => document.hidden || look(), 1000);
}

function look() {
  for (const node of document.querySelectorAll(SCROLLS)) {
    const over = node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight;
    const asks = over && !node.querySelector(TAKES_FOCUS);
    if (asks === (node.tabIndex === 0)) continue;
    if (!asks) {
      node.removeAttribute("tabindex");
      continue;
    }
    node.tabIndex = 0;
    node.role ??= "region";
    const heading = node.closest(".vk-panel")?.querySelector("h2");
    if (heading && !node.ariaLabel) node.ariaLabel = heading.textContent;
  }
}
