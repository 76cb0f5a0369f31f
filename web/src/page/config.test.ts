import { describe, expect, it } from 'vitest';
import shipped from '../../public/config.json';
import { ConfigError, loadConfig, parseConfig } from './config';

/** The shipped file with one value, given by its dotted path, replaced. */
function changed(path: string, value: unknown): unknown {
  const copy = structuredClone({ ...shipped, model: { ...shipped.model, prompts: {} } }) as unknown as Record<
    string,
    unknown
  >;
  const keys = path.split('.');
  let place = copy;
  for (const key of keys.slice(0, -1)) place = place[key] as Record<string, unknown>;
  place[keys.at(-1) as string] = value;
  return copy;
}

describe('parseConfig', () => {
  it('reads the shipped file', () => {
    expect(parseConfig(shipped)).toEqual({
      service: 'http://127.0.0.1:8000',
      auth: 'none',
      firebase: null,
      typedService: false,
      model: {
        id: 'whisper-tiny.en',
        tasks: ['transcribe'],
        prompts: {},
        languages: ['en'],
        limits: { audioSeconds: 1800, uploadBytes: 33554432 },
      },
    });
  });

  it('takes null for many languages, and drops slashes after the address', () => {
    expect(parseConfig(changed('model.languages', null)).model.languages).toBeNull();
    expect(parseConfig(changed('service', 'https://a.example//')).service).toBe('https://a.example');
  });

  it('takes the wording of the tasks it knows', () => {
    const prompts = { describe: 'Describe the sounds.', ask: '', sing: 'Sing it.' };
    expect(parseConfig(changed('model.prompts', prompts)).model.prompts).toEqual({
      describe: 'Describe the sounds.',
      ask: '',
    });
    expect(parseConfig(changed('typed_service', true)).typedService).toBe(true);
  });

  it('takes what signing in with Google needs, and says what of it is missing', () => {
    const firebase = { apiKey: 'k', authDomain: 'p.example', projectId: 'p', appId: 'a', extra: 1 };
    const { extra, ...needed } = firebase;
    expect(parseConfig({ ...shipped, auth: 'firebase', firebase }).firebase).toEqual(needed);
    expect(() => parseConfig({ ...shipped, auth: 'firebase' })).toThrow(/^firebase:/);
    const without = { ...firebase, authDomain: '' };
    expect(() => parseConfig({ ...shipped, auth: 'firebase', firebase: without })).toThrow(/authDomain/);
  });

  it.each([
    ['auth', 'google'],
    ['auth', undefined],
    ['service', 'a.example'],
    ['typed_service', 'yes'],
    ['model.prompts', []],
    ['model.prompts.ask', 3],
    ['service', 'javascript:alert(1)'],
    ['service', 'https://'],
    ['model', null],
    ['model.id', ''],
    ['model.tasks', ['translate']],
    ['model.languages', 'en'],
    ['model.languages', []],
    ['model.limits.audio_seconds', '1800'],
    ['model.limits.upload_bytes', 0],
  ])('refuses %s = %j and names the field', (path, value) => {
    expect(() => parseConfig(changed(path, value))).toThrow(new RegExp(path.replaceAll('.', '\\.')));
  });

  it.each([null, [], 'text', 3])('refuses %j', (value) => {
    expect(() => parseConfig(value)).toThrow(ConfigError);
  });
});

describe('loadConfig', () => {
  const answering = (body: string, status = 200) =>
    loadConfig('/config.json', async () => new Response(body, { status }));

  it('tells a missing file from an invalid one', async () => {
    await expect(answering('gone', 404)).rejects.toMatchObject({ kind: 'missing' });
    await expect(answering('<!doctype html>')).rejects.toMatchObject({ kind: 'invalid' });
    await expect(
      loadConfig('/config.json', async () => {
        throw new TypeError('network');
      }),
    ).rejects.toMatchObject({ kind: 'missing' });
    await expect(answering(JSON.stringify(shipped))).resolves.toMatchObject({ auth: 'none' });
  });
});
