/**
 * A form that is in the page only while it is used. Browsers look at all forms of a page, hidden ones too, whenever one is
 * added or changed, to fill them in: with one in each of some hundred cards that takes seconds.
 */
export class OccasionalForm {
  readonly element: HTMLFormElement;
  readonly #place = new Comment();

  /** @param element - stands where it is to be shown; it is taken out */
  constructor(element: HTMLFormElement) {
    this.element = element;
    element.replaceWith(this.#place);
  }

  show(shown: boolean): void {
    const [gone, present] = shown ? [this.#place, this.element] : [this.element, this.#place];
    if (gone.parentNode) gone.replaceWith(present);
  }
}
