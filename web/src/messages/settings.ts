const en = {
  languageSwitch: 'Language of this page',
  apiKey: 'Key of this service',
  apiKeyHint: 'Kept in this browser only, and sent to this service only.',
};

const ja: typeof en = {
  languageSwitch: 'このページの言語',
  apiKey: 'サービスのキー',
  apiKeyHint: 'このブラウザーだけに保存し、このサービスにだけ送ります。',
};

/** What a person chooses. */
export const settings = { en, ja };
