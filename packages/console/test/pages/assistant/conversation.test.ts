import { describe, expect, it } from 'vitest'
import { type KeptMessage, mergeConversations } from '../../../src/keep/conversations.ts'
import {
  askWhatFits,
  chatMessages,
  forgottenBefore,
  newConversation,
  titleOf,
  turnsToSend,
  withMessage,
} from '../../../src/pages/assistant/conversation.ts'
import { fileName, toText } from '../../../src/pages/assistant/export.ts'

function said(id: string, text = id, more: Partial<KeptMessage> = {}): KeptMessage {
  return { id, at: Number(id.slice(1)) * 10, role: id.startsWith('q') ? 'user' : 'assistant', text, ...more }
}

describe('turns of a conversation', () => {
  it('a question goes with the answered turns before it', () => {
    const turns = turnsToSend([said('q1'), said('a1'), said('q2'), said('q3')], 'q3')
    expect(chatMessages(turns).map(({ content }) => content)).toEqual(['q1', 'a1', 'q3'])
  })

  it('asking again leaves out the answer that was cut', () => {
    const messages = [said('q1'), said('a1'), said('q2'), said('a2', 'half', { end: 'cut' })]
    expect(chatMessages(turnsToSend(messages, 'q2')).map(({ content }) => content)).toEqual([
      'q1',
      'a1',
      'q2',
    ])
  })

  it('what did not fit once is not sent again', () => {
    const messages = [said('q1'), said('a1'), said('q2'), said('a2', 'a2', { readsFrom: 'q2' }), said('q3')]
    expect(chatMessages(turnsToSend(messages, 'q3')).map(({ content }) => content)).toEqual([
      'q2',
      'a2',
      'q3',
    ])
    expect(forgottenBefore(messages)).toBe('q2')
  })

  it('the oldest turns are dropped until the rest fits; the question always stays', async () => {
    const turns = turnsToSend(
      [1, 2, 3, 4, 5].flatMap((n) => [said(`q${n}`), said(`a${n}`)]).concat(said('q6')),
      'q6',
    )
    const sizes: number[] = []
    const ask = (room: number) =>
      askWhatFits(
        turns,
        async (kept) => {
          sizes.push(kept.length)
          if (kept.length > room) throw new RangeError('long')
          return kept[0]!.question.id
        },
        (error) => error instanceof RangeError,
      )
    expect(await ask(3)).toBe('q4')
    expect(sizes).toEqual([6, 5, 3])
    await expect(ask(0)).rejects.toThrow('long')
    expect(sizes.at(-1)).toBe(1)
  })
})

describe('a conversation', () => {
  it('is called by its first question, ended at a word', () => {
    const long = 'word '.repeat(40)
    expect(titleOf('  one\n two ')).toBe('one two')
    expect(titleOf(long).length).toBeLessThan(63)
    expect(titleOf(long)).toMatch(/word …$/)
    const first = withMessage(newConversation(5, 'x'), said('q1', 'Hello'))
    expect(withMessage(first, said('a1')).title).toBe('Hello')
  })

  it('two tabs lose nothing of each other, and the own version of a message counts', () => {
    const base = withMessage(newConversation(5, 'x'), said('q1'))
    const other = withMessage(withMessage(base, said('a1', 'old')), said('q2'))
    const own = withMessage(base, said('a1', 'new'))
    expect(mergeConversations(other, own).messages.map(({ text }) => text)).toEqual(['q1', 'new', 'q2'])
  })

  it('is exported as people read it, under a name any system takes', () => {
    const one = withMessage(withMessage(newConversation(5, 'x'), said('q1', 'Why?')), said('a1', 'So.'))
    expect(toText(one, { user: 'You', assistant: 'Assistant' })).toBe(
      'Why?\n\nYou:\nWhy?\n\nAssistant:\nSo.\n',
    )
    expect(fileName('Wörter: ../../etc?', 'txt')).toBe('wo-rter-etc.txt')
    expect(fileName('何', 'json')).toBe('conversation.json')
  })
})
