import { part } from './element';

/** How a button is at the moment. */
export interface ButtonState {
  label: string;
  shown: boolean;
}

/**
 * Brings the buttons of a row up to date, by their `data-testid`. Where the one in use goes, the first that is left
 * takes over the focus, which would otherwise be lost.
 */
export function updateButtons(row: HTMLElement, states: Record<string, ButtonState>): void {
  for (const [name, { label, shown }] of Object.entries(states)) {
    const button = part<HTMLButtonElement>(`[data-testid=${name}]`, row);
    const text = part('span', button);
    if (text.textContent !== label) text.textContent = label;
    const leaving = !shown && button === document.activeElement;
    button.hidden = !shown;
    if (leaving) row.querySelector<HTMLButtonElement>('button:not([hidden])')?.focus();
  }
}

/** Calls `run` at each press of a button, by its `data-testid`. */
export function onPress(root: ParentNode, name: string, run: () => void): void {
  part(`[data-testid=${name}]`, root).addEventListener('click', run);
}

/** A new copy of a template's only element. */
export function copyOf(template: string): HTMLElement {
  const { content } = part<HTMLTemplateElement>(template);
  return (content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
}

/** Writes a text, and hides its element where there is none. */
export function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === '';
}
