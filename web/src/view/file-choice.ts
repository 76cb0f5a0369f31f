import { part } from './element';

/** The file input, which the markup leaves off, and files dropped anywhere on the page. */
export function mountFileChoice(choose: (files: File[]) => void): void {
  const input = part<HTMLInputElement>('[data-testid=file]');
  const target = part('.drop-target');
  input.disabled = false;
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    // Emptied, so that choosing the same file again counts as a change.
    input.value = '';
    if (files.length > 0) choose(files);
  });
  const holdsFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  addEventListener('dragover', (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault(); // otherwise the browser would open the file instead of this page
    target.hidden = false;
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) target.hidden = true;
  });
  addEventListener('drop', (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    target.hidden = true;
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) choose(files);
  });
}
