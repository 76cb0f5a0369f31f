const en = {
  record: {
    idle: 'Start recording',
    starting: 'Starting the microphone',
    recording: 'Stop recording',
    paused: 'Stop recording',
    stopping: 'Finishing the recording',
  },
  recordHint: {
    idle: 'Press to speak',
    starting: 'Allow the microphone…',
    recording: 'Listening. Press to finish',
    paused: 'Paused. The microphone hears nothing',
    stopping: 'Finishing…',
  },
  recordKey: (key: string) => `or press the ${key} key`,
  pause: 'Pause',
  resume: 'Go on recording',
  discard: 'Discard this recording',
  discarded: (count: number) =>
    count === 1 ? 'The recording was discarded.' : `${count} recordings were discarded.`,
  deaf: 'No sound arrives. Is the microphone switched off?',
  microphone: 'Microphone',
  anyMicrophone: 'As the system chooses',
  absentMicrophone: 'One that is not connected',
  otherMicrophone: (name: string) => `The chosen microphone is not connected. Recording with ${name}.`,
  elapsed: 'Length of the recording',
  level: 'Loudness of the microphone',
  longest: (length: string) => `up to ${length}`,
  chooseFile: 'Choose audio files',
  readingFile: (name: string, others: number) =>
    others === 0 ? `Reading ${name}…` : `Reading ${name}… ${others} more to come.`,
  dropFile: 'Drop audio files to send them',
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
  fileTooLarge: (size: string, limit: string) =>
    `The file has ${size}; this deployment takes up to ${limit}.`,
  fileTooLong: (limit: string) =>
    `The file is longer than ${limit}, the most that this page can cut into parts.`,
  fileEmpty: 'The file is empty.',
  fileUnreadable: 'The file could not be read.',
  ofFile: (name: string, problem: string) => `${name}: ${problem}`,
};

const ja: typeof en = {
  record: {
    idle: '録音を始める',
    starting: 'マイクを準備しています',
    recording: '録音を終える',
    paused: '録音を終える',
    stopping: '録音を仕上げています',
  },
  recordHint: {
    idle: '押して話す',
    starting: 'マイクを許可してください…',
    recording: '聞いています。もう一度押すと終わります',
    paused: '一時停止中。マイクは何も聞いていません',
    stopping: '仕上げています…',
  },
  recordKey: (key) => `${key} キーでも録音できます`,
  pause: '一時停止',
  resume: '録音を続ける',
  discard: 'この録音を捨てる',
  discarded: (count) => (count === 1 ? '録音を捨てました。' : `${count} 件の録音を捨てました。`),
  deaf: '音が届きません。マイクがオフになっていませんか。',
  microphone: 'マイク',
  anyMicrophone: 'システムの設定に従う',
  absentMicrophone: '接続されていないマイク',
  otherMicrophone: (name) => `選んだマイクが接続されていません。${name} で録音しています。`,
  elapsed: '録音の長さ',
  level: 'マイクの音量',
  longest: (length) => `最長 ${length}`,
  chooseFile: '音声ファイルを選ぶ',
  readingFile: (name, others) =>
    others === 0 ? `${name} を読み込んでいます…` : `${name} を読み込んでいます…（残り ${others} 件）`,
  dropFile: 'ここで放すと送信します',
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
  fileTooLarge: (size, limit) => `ファイルは ${size} です。このサービスが受け付けるのは ${limit} までです。`,
  fileTooLong: (limit) => `ファイルが長すぎます。このページで分割できるのは ${limit} までです。`,
  fileEmpty: 'ファイルが空です。',
  fileUnreadable: 'ファイルを読み取れませんでした。',
  ofFile: (name, problem) => `${name}：${problem}`,
};

/** Recording and choosing files. */
export const recording = { en, ja };
