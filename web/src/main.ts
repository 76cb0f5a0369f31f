import './style/base.css';
import './style/stage.css';
import './style/reports.css';
import './style/history.css';
import { Library } from './history/library';
import { Ownership } from './history/ownership';
import { recover } from './history/recovery';
import { Store } from './history/store';
import { type Config, loadConfig } from './page/config';
import { chosenLanguage } from './page/language';
import * as notices from './page/notices';
import { Observable } from './page/observable';
import { keepFile } from './recording/chosen-file';
import { Dictation } from './recording/dictation';
import { Outbox } from './sending/outbox';
import { maxFileBytes, maxRecordingSamples } from './sending/upload-limits';
import { Wakeup } from './sending/wakeup';
import { Service } from './service/service';
import { SAMPLE_RATE } from './sound/pcm';
import { mountApiKeyField } from './view/api-key-field';
import { mountDeploymentNote } from './view/deployment-note';
import { mountFileChoice } from './view/file-choice';
import type { HistoryActions } from './view/history-item';
import { mountHistory } from './view/history-view';
import { mountNotice, type Notice } from './view/notice';
import { mountPageLanguage } from './view/page-language';
import { mountPhases } from './view/phases-view';
import { mountRecordPanel } from './view/record-panel';
import { mountTranscript } from './view/transcript-view';

const language = chosenLanguage();
const notice = new Observable<Notice | null>(null);
const ownership = new Ownership();

mountPageLanguage(language);
mountNotice(notice, language);

const [library, config] = await Promise.all([
  Store.open()
    .then(Library.load)
    .catch(() => tell(notices.storageBlockedNotice())),
  loadConfig(`${import.meta.env.BASE_URL}config.json`).catch((error) => tell(notices.configNotice(error))),
]);
if (library) recover(library, ownership, () => tell(notices.recoveredNotice()));
if (library && config) mountWhole(library, config);
// What was recorded earlier can be heard and deleted whatever else is missing.
else if (library)
  mountHistory(library, language, { ...historyActions(library), send: null, cancel: () => {} });

function tell(news: Notice): null {
  notice.set(news);
  return null;
}

function mountWhole(library: Library, { service: address, auth, model }: Config): void {
  const maxSamples = maxRecordingSamples(model.limits);
  const maxBytes = maxFileBytes(model.limits);
  const key = auth === 'api-key' ? mountApiKeyField() : () => null;
  const service = new Service({ address, model: model.id, key });
  const wakeup = new Wakeup(service);
  const outbox = new Outbox({
    library,
    ownership,
    service,
    limits: model.limits,
    onSending: () => wakeup.want(),
    onFailure: ({ id }, failure) => tell(notices.failureNotice(failure, () => outbox.send(id))),
  });
  const dictation = new Dictation({
    library,
    ownership,
    maxSamples,
    onGranted: () => wakeup.want(),
    onProblem: (problem) => tell(notices.startNotice(problem)),
    onEnd: (recording, reason) => {
      const send = () => recording && outbox.send(recording.id);
      notice.set(notices.endNotice(recording, reason, maxSamples / SAMPLE_RATE, send));
      if (reason === 'stopped' || reason === 'limit') send();
    },
  });

  mountRecordPanel(dictation, maxSamples, language);
  mountPhases(wakeup.state, language);
  mountTranscript(outbox.progress, language);
  mountDeploymentNote(model.languages, language);
  mountFileChoice(async (file) => {
    try {
      const { id } = await keepFile(file, maxBytes, library);
      notice.set(null);
      await outbox.send(id);
    } catch (error) {
      tell(notices.fileNotice(error, file, maxBytes));
    }
  });
  mountHistory(library, language, {
    ...historyActions(library),
    send: (id) => {
      notice.set(null);
      void outbox.send(id);
    },
    cancel: (id) => outbox.cancel(id),
    remove: async (id) => {
      outbox.cancel(id);
      await remove(library, id);
    },
  });
}

function historyActions(library: Library): Pick<HistoryActions, 'audio' | 'remove'> {
  return {
    audio: (recording) => library.audio(recording),
    remove: (id) => void remove(library, id),
  };
}

async function remove(library: Library, id: string): Promise<void> {
  const removed = await library.remove(id);
  if (removed) tell(notices.deletedNotice(() => library.restore(removed)));
}
