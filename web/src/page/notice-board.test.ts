import { expect, it } from 'vitest';
import { MESSAGES } from '../messages';
import { NoticeBoard } from './notice-board';
import { deletedNotice, filesNotice, recoveredNotice } from './notices';

it('keeps what was told about something else, and the newest of each topic', () => {
  const board = new NoticeBoard();
  board.tell(recoveredNotice());
  board.tell(filesNotice([], 1));
  board.tell(recoveredNotice());
  expect(board.notices.value.map(({ topic }) => topic)).toEqual(['recovered', 'files']);
  board.clear('files');
  expect(board.notices.value.map(({ topic }) => topic)).toEqual(['recovered']);
});

it('takes back all that was deleted since the notice appeared', () => {
  const board = new NoticeBoard();
  const restored: string[] = [];
  for (const id of ['a', 'b']) board.tell(deletedNotice(() => restored.push(id)));
  const [notice] = board.notices.value;
  expect(notice?.text(MESSAGES.en, notice.undo?.length ?? 0)).toBe('2 recordings were deleted.');
  for (const undo of notice?.undo ?? []) undo();
  expect(restored).toEqual(['a', 'b']);
  board.clear('deleted');
  board.tell(deletedNotice(() => {}));
  expect(board.notices.value[0]?.undo).toHaveLength(1);
});
