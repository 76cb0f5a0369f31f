import { expect, it } from 'vitest';
import { openMicrophone } from './microphone';

/** Devices of which some can be opened by their id, and any by default. */
function devices(ids: string[], refusal = 'OverconstrainedError') {
  const getUserMedia = async ({ audio }: MediaStreamConstraints) => {
    const wish = ((audio as MediaTrackConstraints).deviceId as { exact: string } | undefined)?.exact;
    if (wish !== undefined && !ids.includes(wish)) throw new DOMException('', refusal);
    return { getAudioTracks: () => [{ label: wish ?? 'default' }] } as unknown as MediaStream;
  };
  return { getUserMedia } as MediaDevices;
}

it('opens the microphone that is wished for, else the one that there is', async () => {
  expect(await openMicrophone('desk', devices(['desk']))).toMatchObject({ name: 'desk', other: false });
  expect(await openMicrophone(null, devices(['desk']))).toMatchObject({ name: 'default', other: false });
  expect(await openMicrophone('gone', devices(['desk']))).toMatchObject({ name: 'default', other: true });
});

it('does not ask again when the person said no', async () => {
  const refused = openMicrophone('desk', devices([], 'NotAllowedError'));
  await expect(refused).rejects.toMatchObject({ problem: 'denied' });
});
