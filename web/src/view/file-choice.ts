import { type Language, MESSAGES } from '../messages';
import { Observable } from '../page/observable';
import { part } from './element';

export interface FileChoice {
  /** Takes one file; rejects where it cannot. The next one waits for it. */
  take: (file: File) => Promise<void>;
  /** Called once for what was chosen together. */
  onFailed: (failed: { file: File; error: unknown }[]) => void;
}

/** The file input, which the markup leaves off, and files dropped anywhere on the page. Says which one is being read. */
export function mountFileChoice({ take, onFailed }: FileChoice, language: Observable<Language>): void {
  const input = part<HTMLInputElement>('[data-testid=file]');
  const target = part('.drop-target');
  const status = part('[data-testid=files-reading]');
  const waiting = new Observable<File[]>([]);
  /** One at a time: a large one takes much of the memory. */
  let turn: Promise<void> = Promise.resolve();

  const show = (): void => {
    const [first, ...others] = waiting.value;
    status.textContent = first ? MESSAGES[language.value].readingFile(first.name, others.length) : '';
  };
  const choose = (files: File[]): void => {
    waiting.set([...waiting.value, ...files]);
    turn = turn.then(async () => {
      const failed: { file: File; error: unknown }[] = [];
      for (const file of files) {
        await take(file).catch((error: unknown) => failed.push({ file, error }));
        waiting.set(waiting.value.slice(1));
      }
      if (failed.length > 0) onFailed(failed);
    });
  };

  waiting.subscribe(show);
  language.subscribe(show);
  input.disabled = false;
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    // Emptied, so that choosing the same file again counts as a change.
    input.value = '';
    choose(files);
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
    choose([...(event.dataTransfer?.files ?? [])]);
  });
}
