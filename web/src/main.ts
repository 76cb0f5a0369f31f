import './style/base.css';
import './style/stage.css';
import './style/reports.css';
import './style/history.css';
import { Library } from './history/library';
import { Ownership } from './history/ownership';
import { recover } from './history/recovery';
import { Store } from './history/store';
import { ANYONE } from './page/access';
import { type Config, loadConfig } from './page/config';
import { pageLanguage } from './page/language';
import * as notices from './page/notices';
import { Observable } from './page/observable';
import { SettingsStore } from './page/settings';
import { keepFile } from './recording/chosen-file';
import { Dictation } from './recording/dictation';
import { Microphones } from './recording/microphones';
import { Outbox } from './sending/outbox';
import { maxFileBytes, maxRecordingSamples } from './sending/upload-limits';
import { Wakeup } from './sending/wakeup';
import { Service } from './service/service';
import { SAMPLE_RATE } from './sound/pcm';
import { mountApiKeyField } from './view/api-key-field';
import { mountDeploymentNote } from './view/deployment-note';
import { mountFileChoice } from './view/file-choice';
import type { HistoryOptions } from './view/history-options';
import { mountHistory } from './view/history-view';
import { mountMicrophoneChoice } from './view/microphone-choice';
import { mountNotice, type Notice } from './view/notice';
import { mountPageLanguage } from './view/page-language';
import { mountPhases } from './view/phases-view';
import { mountRecordPanel } from './view/record-panel';
import { mountTranscript } from './view/transcript-view';

const settings = new SettingsStore();
const language = pageLanguage(settings);
const notice = new Observable<Notice | null>(null);
const ownership = new Ownership();

mountPageLanguage(language, (chosen) => settings.change({ language: chosen }));
mountNotice(notice, language);

const [library, config] = await Promise.all([
  openLibrary().catch(() => tell(notices.storageBlockedNotice())),
  loadConfig(`${import.meta.env.BASE_URL}config.json`).catch((error) => tell(notices.configNotice(error))),
]);
if (library) recover(library, ownership, () => tell(notices.recoveredNotice()));
if (library && config) {
  const sending = mountSending(library, config);
  mountRecording(library, config, sending);
  mountHistoryOf(library, sending.outbox);
} else if (library) {
  // What was recorded earlier can be heard and deleted whatever else is missing.
  mountHistoryOf(library, null);
}

async function openLibrary(): Promise<Library> {
  const held = notices.storageHeldNotice();
  const store = await Store.open({
    onBlocked: () => tell(held),
    release: async () => {
      await ownership.held.when((count) => count === 0);
      tell(notices.storageReleasedNotice());
    },
  });
  if (notice.value === held) notice.set(null);
  return Library.load(store);
}

function tell(news: Notice): null {
  notice.set(news);
  return null;
}

interface Sending {
  outbox: Outbox;
  wakeup: Wakeup;
}

function mountSending(library: Library, { service: address, auth, model }: Config): Sending {
  const access = auth === 'api-key' ? mountApiKeyField() : ANYONE;
  const service = new Service({ address, model: model.id, access });
  const wakeup = new Wakeup(service);
  const outbox = new Outbox({
    library,
    ownership,
    service,
    limits: model.limits,
    onSending: () => wakeup.want(),
    onFailure: ({ id }, failure) => tell(notices.failureNotice(failure, () => outbox.send(id))),
  });
  mountPhases(wakeup.state, language);
  mountTranscript(outbox.progress, language);
  mountDeploymentNote(model.languages, language);
  return { outbox, wakeup };
}

function mountRecording(library: Library, { model }: Config, { outbox, wakeup }: Sending): void {
  const maxSamples = new Observable(maxRecordingSamples(model.limits));
  const maxBytes = maxFileBytes(model.limits);
  const dictation = new Dictation({
    library,
    ownership,
    maxSamples,
    microphone: () => settings.values.value.microphone,
    onGranted: () => wakeup.want(),
    onOther: (name) => tell(notices.otherMicrophoneNotice(name)),
    onBegin: () => null,
    onProblem: (problem) => tell(notices.startNotice(problem)),
    onEnd: (recording, reason) => {
      const send = () => recording && outbox.send(recording.id);
      notice.set(notices.endNotice(recording, reason, maxSamples.value / SAMPLE_RATE, send));
      if (reason === 'stopped' || reason === 'limit') send();
    },
    onDiscard: (undo) => tell(notices.discardedNotice(undo)),
  });
  mountRecordPanel(dictation, maxSamples, settings, language);
  mountMicrophoneChoice(new Microphones(), dictation, settings, language);
  mountFileChoice(async (files) => {
    notice.set(null);
    const failed: { file: File; error: unknown }[] = [];
    for (const file of files) {
      try {
        const { id } = await keepFile(file, maxBytes, library);
        void outbox.send(id);
      } catch (error) {
        failed.push({ file, error });
      }
    }
    if (failed.length > 0) tell(notices.filesNotice(failed, maxBytes));
  });
}

/** @param outbox - null where there is no service to ask */
function mountHistoryOf(library: Library, outbox: Outbox | null): void {
  const send = (id: string): Promise<void> | undefined => {
    notice.set(null);
    return outbox?.send(id);
  };
  const asking: HistoryOptions['asking'] = outbox && {
    ask: async (id) => send(id),
    cancel: (id) => outbox.cancel(id),
    sendWaiting: () => {
      for (const { recording, state } of library.answers.value) if (state === 'waiting') void send(recording);
    },
  };
  mountHistory({ library, language, asking, onAsk: null, tell });
}
