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

/**
 * Asks for the microphone. Whoever calls stops its tracks.
 * @throws {MicrophoneError}
 */
export async function openMicrophone(
  devices: Pick<MediaDevices, 'getUserMedia'> | undefined = navigator.mediaDevices,
): Promise<MediaStream> {
  if (!devices) throw new MicrophoneError('insecure');
  try {
    return await devices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
  } catch (error) {
    throw new MicrophoneError(PROBLEMS[(error as DOMException).name] ?? 'failed', error);
  }
}
