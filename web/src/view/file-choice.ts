import { part } from './element';

/** The file input, which the markup leaves off, and files dropped anywhere on the page. */
export function mountFileChoice(choose: (file: File) => void): void {
  const input = part<HTMLInputElement>('[data-testid=file]');
  const target = part('.drop-target');
  input.disabled = false;
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    // Emptied, so that choosing the same file again counts as a change.
    if (file) choose(file);
    input.value = '';
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
    const file = event.dataTransfer?.files[0];
    if (file) choose(file);
  });
}
