import { expect, it } from 'vitest';
import shipped from '../../public/config.json';
import { parseConfig } from './config';
import { serviceAddress, typedAddress } from './service-address';
import type { Settings } from './settings';

it.each([
  ['http://127.0.0.1:9000', 'http://127.0.0.1:9000'],
  ['http://localhost:9000/v1/', 'http://localhost:9000'],
  ['https://127.0.0.1:9000', null],
  ['http://a.example', null],
  ['http://localhost.a.example:9000', null],
  ['http://localhost@a.example', null],
  ['javascript:alert(1)', null],
  ['9000', null],
])('takes %s as %s', (typed, origin) => {
  expect(typedAddress(typed)).toBe(origin);
});

it('takes a typed address only where the deployment lets one be typed', () => {
  const settings = { address: 'http://localhost:9000' } as Settings;
  const local = parseConfig({ ...shipped, typed_service: true });
  expect(serviceAddress(local, settings)).toBe('http://localhost:9000');
  expect(serviceAddress(local, { ...settings, address: null })).toBe(shipped.service);
  expect(serviceAddress(local, { ...settings, address: 'http://a.example' })).toBe(shipped.service);
  expect(serviceAddress(parseConfig(shipped), settings)).toBe(shipped.service);
});
