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
  try {
    const stream = await devices.getUserMedia({
      audio: {
        channelCount: 1,
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
        ...(wish !== null && { deviceId: { ideal: wish } }),
      },
    });
    const [track] = stream.getAudioTracks();
    const given = track?.getSettings().deviceId;
    // Browsers that do not say which one they gave are taken at their word.
    const other = wish !== null && given !== undefined && given !== wish;
    return { stream, name: track?.label ?? '', other };
  } catch (error) {
    throw new MicrophoneError(PROBLEMS[(error as DOMException).name] ?? 'failed', error);
  }
}
