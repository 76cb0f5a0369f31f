const en = {
  history: 'Recordings',
  historyEmpty:
    'Nothing here yet. What you record is kept in this browser, and only here, until you delete it.',
  state: {
    recording: 'Recording…',
    kept: 'Not sent yet',
    waiting: 'Waiting to be sent',
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
  notPlayable: 'This browser cannot play this file.',
  recovered: 'A recording from before the page was closed is kept and was not sent yet.',
};

const ja: typeof en = {
  history: '録音',
  historyEmpty: 'まだ録音はありません。録音は削除するまでこのブラウザーの中だけに残ります。',
  state: {
    recording: '録音中…',
    kept: '未送信',
    waiting: '送信待ち',
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
  notPlayable: 'このブラウザーではこのファイルを再生できません。',
  recovered: '前回ページを閉じる前の録音が、未送信のまま保存されています。',
};

/** The history. */
export const history = { en, ja };
