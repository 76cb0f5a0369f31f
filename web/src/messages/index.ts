/** The languages of the page, in the order of its switch. */
export const LANGUAGES = ['ja', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

const en = {
  title: 'Kikitori: speech to text',
  tagline: 'Speak. It listens.',
  lead: 'The service sleeps until you press record, and wakes while you talk.',
  languageSwitch: 'Language of this page',
  sentences: (parts: string[]) => parts.join(' '),

  record: {
    idle: 'Start recording',
    starting: 'Starting the microphone',
    recording: 'Stop recording',
    stopping: 'Finishing the recording',
  },
  recordHint: {
    idle: 'Press to speak',
    starting: 'Allow the microphone…',
    recording: 'Listening. Press to finish',
    stopping: 'Finishing…',
  },
  elapsed: 'Length of the recording',
  level: 'Loudness of the microphone',
  longest: (length: string) => `up to ${length}`,
  chooseFile: 'Choose an audio file',
  dropFile: 'Drop the audio file to transcribe it',
  understandsOnly: (languages: string) => `This deployment understands ${languages} only.`,
  understandsMany: 'This deployment understands many languages.',
  apiKey: 'Key of this service',
  apiKeyHint: 'Kept in this browser only, and sent to this service only.',

  wakeup: {
    calling: 'Waking the service…',
    loading: 'The service is waking up',
    ready: (seconds: string) => `Ready to transcribe (woke in ${seconds} s)`,
    awake: 'Ready to transcribe',
    failed: 'The service could not wake up.',
    unreachable: 'The service does not answer.',
    keptAnyway: 'What you record is kept all the same.',
  },
  phases: {
    process: 'Machine',
    imports: 'Code',
    weights: 'Model',
    device: 'GPU',
    warmup: 'Warm-up',
  } as Record<string, string>,
  phaseStatus: { waiting: 'waiting', running: 'running', done: 'done', failed: 'failed' },

  transcript: 'Transcript',
  transcriptWaiting: 'Waiting for the first words…',
  transcriptBroken: 'The answer broke off here.',
  noSpeech: 'No speech was heard.',

  history: 'Recordings',
  historyEmpty:
    'Nothing here yet. What you record is kept in this browser, and only here, until you delete it.',
  state: {
    recording: 'Recording…',
    recorded: 'Not sent yet',
    sending: 'Sending…',
    done: 'Transcribed',
    failed: 'Not transcribed',
  },
  send: 'Send',
  sendAgain: 'Send again',
  cancel: 'Cancel',
  play: 'Play',
  stopPlaying: 'Close player',
  delete: 'Delete',
  deleted: 'The recording was deleted.',
  undo: 'Undo',
  dismiss: 'Close this message',
  notPlayable: 'This browser cannot play this file.',

  start: {
    insecure: 'Browsers give the microphone only to pages opened over https. Open this page with https://.',
    denied:
      'The microphone is blocked. Allow it for this page in the address bar or in the system settings, then press record again.',
    missing: 'No microphone was found. Connect one, then press record again.',
    busy: 'The microphone is in use by another program. Close that program, then press record again.',
    failed: 'The microphone could not be started. Reload the page and try again.',
    storage:
      'This browser cannot keep a recording: its storage is full or blocked. Free some space and try again.',
  },
  end: {
    limit: (length: string) =>
      `The longest length here, ${length}, is reached. The recording was ended, kept, and is being sent.`,
    lost: 'The microphone went away, so the recording was ended. What was recorded is kept.',
    interrupted:
      'The system took the microphone, as for a call or a locked screen. What was recorded is kept.',
    hidden: 'The page was left, so the recording was ended. What was recorded is kept.',
    storage:
      'The storage of this browser is full, so the recording was ended. What was kept until then is safe.',
  },
  endedEmpty: 'No sound arrived, so there is nothing to keep. Check the microphone and try again.',
  recovered: 'A recording from before the page was closed is kept and was not sent yet.',

  failure: {
    offline: 'You are offline.',
    unreachable: 'The service could not be reached, or is too busy to take a request.',
    'key-missing': 'This service wants a key. Enter it in the key field of this page.',
    unauthorized: 'The service did not accept the key.',
    'too-large': 'The recording is larger than the service takes.',
    busy: 'The service is busy.',
    unavailable: 'The service is not available at the moment.',
    rejected: 'The service did not take the recording.',
    failed: 'The service could not transcribe the recording.',
    cut: 'The connection broke before the answer was complete.',
    aborted: 'Sending was cancelled.',
    storage: 'This browser could not hand out the recording, or could not keep its transcript.',
  },
  serviceSaid: (detail: string) => `It said: “${detail}”`,
  tryAgainIn: (seconds: number) => `Try again in ${seconds} s.`,
  kept: 'The recording is kept here.',

  fileTooLarge: (size: string, limit: string) =>
    `The file has ${size}; this deployment takes up to ${limit}.`,
  fileEmpty: 'The file is empty.',
  fileUnreadable: 'The file could not be read.',
  configMissing: 'config.json could not be read, so the page does not know its service. Reload the page.',
  configInvalid: (detail: string) =>
    `config.json is not valid (${detail}). Whoever runs this page must repair it.`,
  storageBlocked:
    'This browser blocks storage, and without it recordings could get lost. Allow storage for this page, or leave private browsing.',
  privacy: 'Sound leaves this browser only when a recording is sent, and only to this service.',
};

/** Every text of the page in one language. */
export type Messages = typeof en;

const ja: Messages = {
  title: '聞き取り：話した言葉を文字に',
  tagline: '話せば、文字になる。',
  lead: 'サービスは眠っています。話しているあいだに目を覚まします。',
  languageSwitch: 'このページの言語',
  sentences: (parts) => parts.join(''),

  record: {
    idle: '録音を始める',
    starting: 'マイクを準備しています',
    recording: '録音を終える',
    stopping: '録音を仕上げています',
  },
  recordHint: {
    idle: '押して話す',
    starting: 'マイクを許可してください…',
    recording: '聞いています。もう一度押すと終わります',
    stopping: '仕上げています…',
  },
  elapsed: '録音の長さ',
  level: 'マイクの音量',
  longest: (length) => `最長 ${length}`,
  chooseFile: '音声ファイルを選ぶ',
  dropFile: 'ここで放すと文字に起こします',
  understandsOnly: (languages) => `このサービスが聞き取れる言語：${languages}のみ`,
  understandsMany: 'このサービスは多くの言語を聞き取れます。',
  apiKey: 'サービスのキー',
  apiKeyHint: 'このブラウザーだけに保存し、このサービスにだけ送ります。',

  wakeup: {
    calling: 'サービスを起こしています…',
    loading: 'サービスが目を覚ましています',
    ready: (seconds) => `準備ができました（起動 ${seconds} 秒）`,
    awake: '準備ができました',
    failed: 'サービスを起動できませんでした。',
    unreachable: 'サービスから応答がありません。',
    keptAnyway: '録音はそれでも保存されます。',
  },
  phases: {
    process: 'マシン',
    imports: 'コード',
    weights: 'モデル',
    device: 'GPU',
    warmup: '準備',
  },
  phaseStatus: { waiting: '待機中', running: '進行中', done: '完了', failed: '失敗' },

  transcript: '文字起こし',
  transcriptWaiting: '最初の言葉を待っています…',
  transcriptBroken: '応答はここで途切れました。',
  noSpeech: '話し声は聞き取れませんでした。',

  history: '録音',
  historyEmpty: 'まだ録音はありません。録音は削除するまでこのブラウザーの中だけに残ります。',
  state: {
    recording: '録音中…',
    recorded: '未送信',
    sending: '送信中…',
    done: '文字起こし済み',
    failed: '文字起こし失敗',
  },
  send: '送信',
  sendAgain: 'もう一度送信',
  cancel: '中止',
  play: '再生',
  stopPlaying: 'プレーヤーを閉じる',
  delete: '削除',
  deleted: '録音を削除しました。',
  undo: '元に戻す',
  dismiss: 'メッセージを閉じる',
  notPlayable: 'このブラウザーではこのファイルを再生できません。',

  start: {
    insecure: 'ブラウザーは https のページでだけマイクを使えます。https:// で開き直してください。',
    denied:
      'マイクが許可されていません。アドレスバーまたは端末の設定でこのページに許可してから、もう一度録音を押してください。',
    missing: 'マイクが見つかりません。接続してから、もう一度録音を押してください。',
    busy: 'マイクはほかのアプリが使用中です。そのアプリを閉じてから、もう一度録音を押してください。',
    failed: 'マイクを開始できませんでした。ページを再読み込みして、もう一度お試しください。',
    storage:
      'このブラウザーに録音を保存できません。保存領域がいっぱいか、禁止されています。空きを作ってからもう一度お試しください。',
  },
  end: {
    limit: (length) => `録音できる最長の ${length} に達しました。録音を終えて保存し、送信しています。`,
    lost: 'マイクが使えなくなったため、録音を終えました。それまでの録音は保存されています。',
    interrupted: '通話や画面ロックなどでマイクが使えなくなりました。それまでの録音は保存されています。',
    hidden: 'ページを離れたため、録音を終えました。それまでの録音は保存されています。',
    storage:
      'ブラウザーの保存領域がいっぱいになったため、録音を終えました。それまでの録音は保存されています。',
  },
  endedEmpty: '音が届かなかったため、保存するものがありません。マイクを確認して、もう一度お試しください。',
  recovered: '前回ページを閉じる前の録音が、未送信のまま保存されています。',

  failure: {
    offline: 'オフラインです。',
    unreachable: 'サービスに接続できないか、混み合っています。',
    'key-missing': 'このサービスにはキーが必要です。このページのキーの欄に入力してください。',
    unauthorized: 'キーが受け付けられませんでした。',
    'too-large': '録音が大きすぎて、サービスが受け付けられません。',
    busy: 'サービスが混み合っています。',
    unavailable: 'サービスは現在利用できません。',
    rejected: 'サービスが録音を受け付けませんでした。',
    failed: 'サービスが文字起こしに失敗しました。',
    cut: '応答が終わる前に接続が切れました。',
    aborted: '送信を中止しました。',
    storage: 'ブラウザーから録音を取り出せないか、文字起こしを保存できませんでした。',
  },
  serviceSaid: (detail) => `サービスからの説明：「${detail}」`,
  tryAgainIn: (seconds) => `${seconds} 秒後にもう一度お試しください。`,
  kept: '録音はここに保存されています。',

  fileTooLarge: (size, limit) => `ファイルは ${size} です。このサービスが受け付けるのは ${limit} までです。`,
  fileEmpty: 'ファイルが空です。',
  fileUnreadable: 'ファイルを読み取れませんでした。',
  configMissing: 'config.json を読み取れず、サービスの場所が分かりません。ページを再読み込みしてください。',
  configInvalid: (detail) => `config.json が正しくありません（${detail}）。運営者による修正が必要です。`,
  storageBlocked:
    'このブラウザーでは保存が禁止されており、録音が失われるおそれがあります。保存を許可するか、プライベートブラウズを終了してください。',
  privacy: '音声がこのブラウザーの外に出るのは送信するときだけ、送り先はこのサービスだけです。',
};

/** The texts of each language. */
export const MESSAGES: Record<Language, Messages> = { ja, en };
