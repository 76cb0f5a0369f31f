/**
 * Why there is no microphone.
 * - `insecure`: the page was not opened over https (or localhost), so browsers offer none
 * - `denied`: the person or the system said no
 * - `missing`: the device has none
 * - `busy`: another program holds it
 */
export type MicrophoneProblem = 'insecure' | 'denied' | 'missing' | 'busy' | 'failed';

export class MicrophoneError extends Error {
  override name = 'MicrophoneError';
  readonly problem: MicrophoneProblem;

  constructor(problem: MicrophoneProblem, cause?: unknown) {
    super(problem, { cause });
    this.problem = problem;
  }
}

const PROBLEMS: Record<string, MicrophoneProblem> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  AbortError: 'busy',
};

export interface OpenMicrophone {
  /** Whoever opened it stops its tracks. */
  stream: MediaStream;
  /** Its name, untrusted. */
  name: string;
  /** It is not the one that was wished for. */
  other: boolean;
}

/**
 * Asks for a microphone.
 * @param wish - `deviceId`; where it is gone the system chooses, as for null
 * @throws {MicrophoneError}
 */
export async function openMicrophone(
  wish: string | null,
  devices: Pick<MediaDevices, 'getUserMedia'> | undefined = navigator.mediaDevices,
): Promise<OpenMicrophone> {
  if (!devices) throw new MicrophoneError('insecure');
  const open = async (device: string | null): Promise<OpenMicrophone> => {
    const stream = await devices.getUserMedia({
      audio: {
        channelCount: 1,
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
        ...(device !== null && { deviceId: { exact: device } }),
      },
    });
    return { stream, name: stream.getAudioTracks()[0]?.label ?? '', other: device !== wish };
  };
  try {
    return await open(wish).catch((error: unknown) => {
      if (wish === null || (error as DOMException).name !== 'OverconstrainedError') throw error;
      return open(null);
    });
  } catch (error) {
    throw new MicrophoneError(PROBLEMS[(error as DOMException).name] ?? 'failed', error);
  }
}
