import { deleteAll } from '../history/deletion';
import { MESSAGES } from '../messages';
import { onPress } from './buttons';
import { part } from './element';
import { oncePerFrame } from './frames';
import {
  allDeletedNotice,
  exportFailedNotice,
  importedNotice,
  importFailedNotice,
  notKeptNotice,
  stillRecordingNotice,
} from './history-notices';
import type { HistoryOptions } from './history-options';
import { saveFile } from './save-file';

/** What concerns all recordings: sending what waits, taking everything elsewhere and back, deleting everything. */
export function mountHistoryToolbar(options: HistoryOptions): void {
  const { library, language, asking, tell } = options;
  const section = part('.history');
  const waiting = part('[data-testid=waiting]', section);
  const exporting = part<HTMLButtonElement>('[data-testid=export-all]', section);
  const importing = part<HTMLButtonElement>('[data-testid=import]', section);
  const deleting = part<HTMLButtonElement>('[data-testid=delete-all]', section);
  const file = part<HTMLInputElement>('[data-testid=import-file]', section);
  const question = part<HTMLDialogElement>('[data-testid=delete-all-question]', section);

  const show = (): void => {
    const messages = MESSAGES[language.value];
    const count = library.answers.value.filter(({ state }) => state === 'waiting').length;
    waiting.hidden = count === 0 || asking === null;
    part('span', waiting).textContent = messages.waitToBeSent(count);
    exporting.textContent = isBusy(exporting) ? messages.exporting : messages.exportAll;
    importing.textContent = isBusy(importing) ? messages.importing : messages.importAll;
    const recordings = library.recordings.value.length;
    importing.hidden = false;
    exporting.hidden = recordings === 0;
    deleting.hidden = recordings === 0;
    part('#delete-all-question').textContent = messages.deleteAllQuestion(recordings);
  };
  /** One at a time. The button stays enabled, because a disabled one would lose the focus. */
  const whileBusy = async (button: HTMLButtonElement, work: () => Promise<void>): Promise<void> => {
    if (isBusy(button)) return;
    button.setAttribute('aria-busy', 'true');
    show();
    await work();
    button.removeAttribute('aria-busy');
    show();
  };

  onPress(section, 'send-waiting', () => asking?.sendWaiting());
  onPress(section, 'export-all', () =>
    whileBusy(exporting, async () => {
      try {
        const { exportArchive } = await import('../history/archive');
        saveFile(await exportArchive(library));
      } catch (error) {
        tell(exportFailedNotice(error));
      }
    }),
  );
  onPress(section, 'import', () => file.click());
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? [];
    // Emptied, so that choosing the same file again counts as a change.
    file.value = '';
    if (!chosen) return;
    void whileBusy(importing, async () => {
      try {
        const { importArchive } = await import('../history/archive');
        const { added, present } = await importArchive(chosen, library);
        tell(importedNotice(added, present));
      } catch (error) {
        tell(importFailedNotice(error));
      }
    });
  });
  onPress(section, 'delete-all', () => question.showModal());
  question.addEventListener('close', () => {
    if (question.returnValue !== 'yes') return;
    question.returnValue = '';
    for (const { recording, key, state } of library.answers.value) {
      if (state === 'sending') asking?.cancel(recording, key);
    }
    deleteAll(library).then(
      (done) => {
        tell(done ? allDeletedNotice() : stillRecordingNotice());
        if (done) part('#history-title', section).focus();
      },
      () => tell(notKeptNotice()),
    );
  });
  const showSoon = oncePerFrame(show);
  library.recordings.subscribe(showSoon);
  library.answers.subscribe(showSoon);
  language.subscribe(show);
}

function isBusy(button: HTMLButtonElement): boolean {
  return button.getAttribute('aria-busy') === 'true';
}
