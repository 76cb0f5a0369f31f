/**
 * The one element of the page's markup that a view works on.
 * @throws {Error} when index.html and the view disagree
 */
export function part<T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`index.html lacks ${selector}`);
  return found;
}

/** A new element with its class and, where given, its text. */
export function create(tag: string, className: string, text = ''): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
