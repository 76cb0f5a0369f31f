import type { Messages } from '../messages';
import type { Failure } from '../service/service-error';

/** Says in the reader's language why sending failed, in the service's own words where it had some. */
export function failureText(failure: Failure, messages: Messages): string {
  const parts = [messages.failure[failure.kind]];
  if (failure.detail) parts.push(messages.serviceSaid(failure.detail));
  if (failure.retryAfter !== null) parts.push(messages.tryAgainIn(failure.retryAfter));
  return messages.sentences(parts);
}
