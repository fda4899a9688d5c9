import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDesk, type Desk } from '../support/desk.ts'

let desk: Desk
beforeAll(async () => {
  desk = await createDesk()
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt32LE(1000, 28)
  header.write('data', 36)
  header.writeUInt32LE(90_000, 40)
  desk.write('long.wav', Buffer.concat([header, Buffer.alloc(90_000)]))
  desk.service.knobs.app = async (request) => {
    if ((await request.formData()).get('stream') !== 'true') return new Response('Good day. Thank you.\n')
    const events = [
      { type: 'transcript.text.delta', delta: 'Good day.' },
      { type: 'transcript.text.segment', start: 0, end: 30, text: ' Good day.' },
      { type: 'transcript.text.segment', start: 62, end: 90, text: ' Thank you.' },
      { type: 'transcript.text.done', text: 'Good day. Thank you.' },
    ]
    return new Response(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''), {
      headers: { 'content-type': 'text/event-stream' },
    })
  }
})
afterAll(() => desk.clear())

it('shows each stretch of speech with its time, and how much of the recording is done', async () => {
  const terminals = { stdoutTerminal: true, stderrTerminal: true }
  const { code, stdout, stderr } = await desk.sotto(['transcribe', 'long.wav', '--no-color'], terminals)
  expect([code, stdout]).toEqual([0, '0:00  Good day.\n1:02  Thank you.\n'])
  expect(stderr).toContain('understood  [########----------------]  33 %  0:30 of 1:30')
  expect(stderr).toMatch(/100 % {2}1:30 of 1:30\n$/)
})

it('gives a pipe the text alone, the same with somebody in front of it as with nobody', async () => {
  const followed = await desk.sotto(['transcribe', 'long.wav'], { stderrTerminal: true })
  expect(followed.stdout).toBe('Good day. Thank you.\n')
  expect(followed.stderr).toContain('0:30 of 1:30')
  const alone = await desk.sotto(['transcribe', 'long.wav'])
  expect(alone.stdout).toBe(followed.stdout)
  expect(alone.stderr).not.toContain('\u001B')
})
