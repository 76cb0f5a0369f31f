import './style/base.css';
import './style/stage.css';
import './style/reports.css';
import './style/history.css';
import './style/tasks.css';
import './style/settings.css';
import { type Prompt, promptKey } from './history/answer';
import { Library } from './history/library';
import { Ownership } from './history/ownership';
import { askToPersist } from './history/persistence';
import { recover } from './history/recovery';
import { Store } from './history/store';
import { type Access, ANYONE, KeyAccess, SignInAccess } from './page/access';
import { type Config, loadConfig } from './page/config';
import { pageLanguage } from './page/language';
import { type Notice, NoticeBoard } from './page/notice-board';
import * as notices from './page/notices';
import { Observable } from './page/observable';
import { keepForOffline } from './page/offline';
import { serviceAddress } from './page/service-address';
import { SettingsStore } from './page/settings';
import { mountTheme } from './page/theme';
import { keepFile } from './recording/chosen-file';
import { Dictation } from './recording/dictation';
import { Microphones } from './recording/microphones';
import type { Span } from './sending/cold-start';
import { CostMeter } from './sending/cost-meter';
import { whenBackOnline } from './sending/network';
import { Outbox } from './sending/outbox';
import { longestRecording, longestSamples, maxFileBytes, mayBeCut, routeOf } from './sending/prompt';
import { Wakeup } from './sending/wakeup';
import { WhileSpeaking } from './sending/while-speaking';
import { Service } from './service/service';
import { SAMPLE_RATE } from './sound/pcm';
import { Segmenter } from './sound/segmenter';
import { mountKeySetting, mountSignInSetting } from './view/access-settings';
import { mountAnswer } from './view/answer-view';
import { mountDeploymentNote } from './view/deployment-note';
import { mountFileChoice } from './view/file-choice';
import { mountHistory } from './view/history-view';
import { mountMicrophoneChoice } from './view/microphone-choice';
import { mountNoticeBoard } from './view/notice-board-view';
import { mountPageLanguage } from './view/page-language';
import { mountPhases } from './view/phases-view';
import { mountRecordPanel } from './view/record-panel';
import { mountAddressSetting, mountSettings } from './view/settings-dialog';
import { mountTaskPanel, type TaskPanel } from './view/task-panel';

const settings = new SettingsStore();
const language = pageLanguage(settings);
const board = new NoticeBoard();
const ownership = new Ownership();

keepForOffline();
mountTheme(settings);
const openSettings = mountSettings(settings, language);
mountPageLanguage(language, (chosen) => settings.change({ language: chosen }));
mountNoticeBoard(board, language);

const [library, config] = await Promise.all([
  openLibrary().catch(() => tell(notices.storageBlockedNotice())),
  loadConfig(`${import.meta.env.BASE_URL}config.json`).catch((error) => tell(notices.configNotice(error))),
]);
if (library) recover(library, ownership, () => tell(notices.recoveredNotice()));
if (library && config) {
  const sending = mountSending(library, config);
  mountRecording(library, config, sending);
  mountHistoryOf(library, sending);
} else if (library) {
  // What was recorded earlier can be heard and deleted whatever else is missing.
  mountHistoryOf(library, null);
}

async function openLibrary(): Promise<Library> {
  const store = await Store.open({
    onBlocked: () => tell(notices.storageHeldNotice()),
    release: async () => {
      await ownership.held.when((count) => count === 0);
      tell(notices.storageReleasedNotice());
    },
  });
  board.clear('storage');
  return Library.load(store, new BroadcastChannel('kikitori'));
}

function tell(news: Notice): null {
  board.tell(news);
  return null;
}

interface Sending {
  outbox: Outbox;
  wakeup: Wakeup;
  task: TaskPanel;
  /** When somebody recorded, the last one at the end. */
  recordings: Span[];
}

function mountSending(library: Library, config: Config): Sending {
  const { model } = config;
  const recordings: Span[] = [];
  const access = mountAccess(config, () => outbox.sendWaiting());
  const service = new Service({
    // Read for each request: it may be typed anew at any time.
    get address() {
      return serviceAddress(config, settings.values.value);
    },
    model: model.id,
    access,
  });
  const wakeup = new Wakeup(service);
  const costs = new CostMeter();
  const mostSeconds = (prompt: Prompt): number =>
    longestSamples(model.limits, routeOf(prompt, model) ?? undefined) / SAMPLE_RATE;
  const outbox = new Outbox({
    library,
    ownership,
    service,
    wakeup,
    model,
    segmenter: (from) => new Segmenter(from),
    onUsage: (usage) => costs.add(usage),
    onFailure: ({ recording, prompt }, failure) =>
      tell(
        notices.accessNotice(config, failure, openSettings) ??
          notices.failureNotice(failure, mostSeconds(prompt), () => outbox.ask(recording, prompt)),
      ),
  });
  outbox.latest.subscribe(() => board.clear('sending'));
  whenBackOnline(() => outbox.sendWaiting());
  mountPhases(wakeup.state, () => recordings, language);
  mountAnswer(library, outbox, costs, language);
  mountDeploymentNote(model.languages, language);
  return { outbox, wakeup, task: mountTaskPanel(model, library, language), recordings };
}

/** @param granted - whoever asks is known to the service from now on */
function mountAccess(config: Config, granted: () => void): Access {
  if (config.typedService) mountAddressSetting(config.service, settings, language);
  const saved = (): void => {
    board.clear('sending');
    granted();
  };
  if (config.auth === 'api-key') {
    const access = new KeyAccess();
    mountKeySetting(access, saved);
    return access;
  }
  if (config.firebase) {
    const access = new SignInAccess(config.firebase);
    mountSignInSetting(access, language, saved);
    return access;
  }
  return ANYONE;
}

function mountRecording(
  library: Library,
  { model }: Config,
  { outbox, wakeup, task, recordings }: Sending,
): void {
  const maxSamples = new Observable(0);
  task.prompt.subscribe((prompt) => maxSamples.set(longestRecording(prompt, model)));
  /** Whether the recording in progress is sent while it is spoken. */
  let live = false;
  const most = { bytes: maxFileBytes(model.limits), seconds: model.limits.audioSeconds };
  const dictation = new Dictation({
    library,
    ownership,
    maxSamples,
    microphone: () => settings.values.value.microphone,
    onGranted: () => wakeup.want(),
    onOther: (name) => tell(notices.otherMicrophoneNotice(name)),
    onBegin: ({ id }) => {
      live = settings.values.value.whileSpeaking && mayBeCut(task.prompt.value, model);
      if (!live) return { stored: () => wakeup.renew(), end() {}, breakOff() {}, abandon() {} };
      return new WhileSpeaking(outbox.open(id, task.prompt.value), longestSamples(model.limits));
    },
    onProblem: (problem) => tell(notices.startNotice(problem)),
    onEnd: (recording, reason) => {
      const prompt = task.prompt.value;
      const send = (): void => void (recording && outbox.ask(recording.id, prompt));
      // What was sent while it was spoken is being sent to its end already, unless somebody did not want that.
      const sent =
        live && reason !== 'storage' && recording && library.answer(recording.id, promptKey(prompt));
      const news =
        notices.endNotice(recording, reason, maxSamples.value / SAMPLE_RATE, sent ? null : send) ??
        (live && recording && !sent ? notices.notSentNotice(send) : null);
      board.clear('recording');
      if (news) tell(news);
      if (!live && (reason === 'stopped' || reason === 'limit')) send();
    },
    onDiscard: (undo) => tell(notices.discardedNotice(undo)),
  });
  dictation.state.subscribe((state) => {
    task.locked.set(state !== 'idle');
    const last = recordings.at(-1);
    if (state === 'recording') recordings.push({ from: Date.now(), to: null });
    else if (last) last.to ??= Date.now();
  });
  mountRecordPanel(dictation, maxSamples, settings, language);
  mountMicrophoneChoice(new Microphones(), dictation, settings, language);
  const files = {
    take: async (file: File) => {
      const { id } = await keepFile(file, most, library);
      askToPersist();
      void outbox.ask(id, task.prompt.value);
    },
    onFailed: (failed: { file: File; error: unknown }[]) =>
      void tell(notices.filesNotice(failed, most.bytes)),
  };
  mountFileChoice(files, language);
}

/** @param sending - null where there is no service to ask */
function mountHistoryOf(library: Library, sending: Sending | null): void {
  const { outbox: asking = null, task = null } = sending ?? {};
  mountHistory({ library, language, asking, task, tell });
}
