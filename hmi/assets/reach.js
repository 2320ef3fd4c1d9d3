// What a keyboard must reach: what scrolls in itself and has nothing in it that could take the focus.
const SCROLLS = ".vk-scroll, .vk-detail, .vk-figures .vk-panel > div, #vk-happened";
const TAKES_FOCUS = "a[href], button:not(:disabled), input, select, [tabindex]";

const STOPS = `:is(a[href], button:not(:disabled), input:not(:disabled), select, summary, [tabindex="0"]):not([tabindex="-1"], .ag-tab-guard)`;

// Tab goes from a grid to what follows it, or precedes it; within it the arrow keys move.
export function leaveGrid({ backwards }) {
  const grid = document.activeElement.closest(".ag-root-wrapper");
  if (!grid) return true;
  const where = backwards ? Node.DOCUMENT_POSITION_PRECEDING : Node.DOCUMENT_POSITION_FOLLOWING;
  const outside = (node) => !grid.contains(node) && !node.contains(grid) && node.checkVisibility();
  const stops = [...document.querySelectorAll(STOPS)].filter((node) => outside(node) && grid.compareDocumentPosition(node) & where);
  const next = backwards ? stops.at(-1) : stops[0];
  if (next) next.focus();
  else document.activeElement.blur();
  return false;
}

// Looks at all of them, and again as they fill or their room changes.
export function reach() {
  let due = 0;
  const soon = () => (due ||= setTimeout(() => {
    due = 0;
    look();
  }, 50));
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
  addEventListener("resize", soon);
  look();
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
