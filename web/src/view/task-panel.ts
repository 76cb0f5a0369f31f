import { type Prompt, TASKS, type Task } from '../history/answer';
import type { Library } from '../history/library';
import type { Recording } from '../history/recording';
import { type Language, MESSAGES } from '../messages';
import type { Model } from '../page/config';
import { Observable } from '../page/observable';
import { languageNames, moment } from '../page/quantities';
import type { Asking } from '../sending/asking';
import { MOST_WORDS, routeOf, TARGETS, takesWords, unavailable, wording } from '../sending/prompt';
import { create, part } from './element';

export interface TaskPanel {
  /** What is asked of the next recording. */
  prompt: Observable<Prompt>;
  /** While a recording is made for the prompt. */
  locked: Observable<boolean>;
  /** Lets the person choose what to ask about a recording that is there, and asks it; without effect while locked. */
  about(recording: Recording, asking: Pick<Asking, 'ask'>): void;
}

/** What is to be done with a recording: the task, the target of a translation, the words. */
export function mountTaskPanel(model: Model, library: Library, language: Observable<Language>): TaskPanel {
  const panel = part<HTMLFieldSetElement>('.task');
  const list = part('.task-list', panel);
  const target = part<HTMLSelectElement>('[data-testid=target]', panel);
  const words = part<HTMLTextAreaElement>('[data-testid=words]', panel);
  const reset = part<HTMLButtonElement>('[data-testid=own-words]', panel);
  const hint = part('.task-hint', panel);
  const reason = part('.task-unavailable', panel);
  const about = part('.task-about', panel);
  const aboutText = part('.task-about-text', about);
  const askNow = part<HTMLButtonElement>('[data-testid=ask-now]', about);
  const asked = new Observable<{ recording: Recording; asking: Pick<Asking, 'ask'> } | null>(null);
  const locked = new Observable(false);
  const prompt = new Observable<Prompt>({ task: 'transcribe', language: null, words: null });
  const choices = TASKS.map((task) => newChoice(task, unavailable(task, model) !== null));
  list.replaceChildren(...choices.map(({ element }) => element));
  target.replaceChildren(...TARGETS.map((code) => new Option('', code)));
  for (const option of target.options) {
    const asked = { task: 'translate', language: option.value, words: null } as const;
    option.disabled = routeOf(asked, model) === null;
  }
  words.maxLength = MOST_WORDS;
  panel.hidden = false;

  const show = (): void => {
    const messages = MESSAGES[language.value];
    const { task } = prompt.value;
    for (const choice of choices) {
      choice.input.checked = choice.task === task;
      choice.text.textContent = messages.tasks[choice.task];
    }
    for (const option of target.options) option.text = languageNames([option.value], language.value);
    part('.task-target', panel).hidden = task !== 'translate';
    // A transcript is asked for by an address of its own, and where there is no chat, nothing can be said.
    part('.task-words', panel).hidden = !takesWords(model);
    const text = wording(prompt.value, model);
    // What a person is typing is left alone, spaces at its end too.
    if (document.activeElement !== words || text !== words.value.trim()) words.value = text;
    words.placeholder = messages.taskPlaceholder[task];
    reset.hidden = prompt.value.words === null;
    const inOwnWords = task === 'transcribe' && prompt.value.words !== null;
    hint.textContent = inOwnWords ? messages.taskNoTimes : task === 'ask' ? messages.taskAskHint : '';
    hint.hidden = hint.textContent === '';
    reason.textContent = messages.taskUnavailable;
    about.hidden = asked.value === null;
    if (asked.value)
      aboutText.textContent = messages.taskAbout(
        asked.value.recording.name ?? moment(asked.value.recording.createdAt, language.value),
      );
    reason.hidden = choices.every(({ input }) => !input.disabled);
  };
  list.addEventListener('change', () => {
    const task = choices.find(({ input }) => input.checked)?.task ?? 'transcribe';
    words.blur();
    prompt.set({ task, language: task === 'translate' ? target.value : null, words: null });
  });
  target.addEventListener('change', () =>
    prompt.set({ ...prompt.value, language: target.value, words: null }),
  );
  words.addEventListener('input', () => {
    const own = wording({ ...prompt.value, words: null }, model);
    const typed = words.value.trim();
    prompt.set({ ...prompt.value, words: typed === '' || typed === own ? null : typed });
  });
  // Emptied and left, it shows again what is asked then.
  words.addEventListener('blur', () => show());
  reset.addEventListener('click', () => {
    prompt.set({ ...prompt.value, words: null });
    words.focus();
  });
  askNow.addEventListener('click', () => {
    const { recording, asking } = asked.value ?? {};
    asked.set(null);
    if (recording) void asking?.ask(recording.id, prompt.value);
  });
  part('[data-testid=ask-not]', about).addEventListener('click', () => asked.set(null));
  asked.subscribe(show);
  prompt.subscribe(show);
  language.subscribe(show);
  locked.subscribe((isLocked) => {
    panel.disabled = isLocked;
    if (isLocked) asked.set(null);
  });
  library.recordings.subscribe(() => {
    if (asked.value && !library.get(asked.value.recording.id)) asked.set(null); // deleted meanwhile
  });
  return {
    prompt,
    locked,
    about: (recording, asking) => {
      if (locked.value) return;
      asked.set({ recording, asking });
      panel.scrollIntoView({ block: 'center' });
      askNow.focus({ preventScroll: true });
    },
  };
}

function newChoice(task: Task, disabled: boolean) {
  const element = create('label', 'task-choice');
  const input = document.createElement('input');
  input.type = 'radio';
  input.name = 'task';
  input.value = task;
  input.className = 'visually-hidden';
  input.disabled = disabled;
  if (disabled) input.setAttribute('aria-describedby', 'task-unavailable');
  const text = create('span', '');
  element.append(input, text);
  return { task, element, input, text };
}
