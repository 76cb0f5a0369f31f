const en = {
  title: 'Kikitori: speech to text',
  tagline: 'Speak. It listens.',
  lead: 'The service sleeps until you press record, and wakes while you talk.',
  sentences: (parts: string[]) => parts.join(' '),
  recordOff: 'Recording is not possible',
  dismiss: 'Close this message',
  configMissing: 'config.json could not be read, so the page does not know its service. Reload the page.',
  configInvalid: (detail: string) =>
    `config.json is not valid (${detail}). Whoever runs this page must repair it.`,
  storageBlocked:
    'This browser blocks storage, and without it recordings could get lost. Allow storage for this page, or leave private browsing.',
  storageHeld: 'An older version of this page is open in another tab. Close that tab, and this one goes on.',
  storageReleased: 'A newer version of this page is open in another tab. Reload this one.',
  privacy: 'Sound leaves this browser only when a recording is sent, and only to this service.',
};

const ja: typeof en = {
  title: '聞き取り：話した言葉を文字に',
  tagline: '話せば、文字になる。',
  lead: 'サービスは眠っています。話しているあいだに目を覚まします。',
  sentences: (parts) => parts.join(''),
  recordOff: '録音できません',
  dismiss: 'メッセージを閉じる',
  configMissing: 'config.json を読み取れず、サービスの場所が分かりません。ページを再読み込みしてください。',
  configInvalid: (detail) => `config.json が正しくありません（${detail}）。運営者による修正が必要です。`,
  storageBlocked:
    'このブラウザーでは保存が禁止されており、録音が失われるおそれがあります。保存を許可するか、プライベートブラウズを終了してください。',
  storageHeld: '別のタブで古い版のこのページが開いています。そのタブを閉じると、こちらが続きを始めます。',
  storageReleased: '別のタブで新しい版のこのページが開かれました。このタブを再読み込みしてください。',
  privacy: '音声がこのブラウザーの外に出るのは送信するときだけ、送り先はこのサービスだけです。',
};

/** The page itself. */
export const page = { en, ja };
