import { expect, test } from 'vitest'
import { createKmsClient } from '../../src/release/index.ts'
import { inferenceConfig } from '../../src/roles/config.ts'

type Answer = { status: number; body: unknown } | 'unreachable'

const refusal = (code: string, action: string, status = 503): Answer => ({
  status,
  body: { error: { code, message: '', action } },
})
const ok: Answer = { status: 200, body: { keySet: 'x' } }

/** A KMS of several replicas, each with its answer; `asked` lists who was asked. */
function replicas(answers: Record<string, Answer>) {
  const asked: string[] = []
  const fetch = (async (input: string) => {
    const host = new URL(input).hostname
    asked.push(host)
    const answer = answers[host]!
    if (answer === 'unreachable') throw new TypeError('fetch failed')
    return Response.json(answer.body, { status: answer.status })
  }) as typeof globalThis.fetch
  return {
    client: createKmsClient(
      Object.keys(answers).map((host) => `http://${host}`),
      fetch,
    ),
    asked,
    answers,
  }
}

test.each<[string, Answer]>([
  ['stands by', refusal('KMS_STANDBY', 'retry')],
  ['was replaced', refusal('KMS_FENCED', 'stop')],
  ['is still starting', refusal('KMS_NOT_READY', 'retry')],
  ['lost its database', refusal('KMS_STORE_FAILED', 'retry')],
  ['is not there', 'unreachable'],
  ['is something else', { status: 502, body: null }],
])('a replica that %s is passed over', async (_, first) => {
  const { client, asked } = replicas({ a: first, b: ok })
  expect(await client.state()).toEqual({ keySet: 'x' })
  expect(asked).toEqual(['a', 'b'])
})

test('the one that answered is asked first from then on, and no longer when it does not', async () => {
  const { client, asked, answers } = replicas({ a: 'unreachable', b: ok, c: 'unreachable' })
  await client.state()
  await client.state()
  expect(asked).toEqual(['a', 'b', 'b'])
  answers['b'] = refusal('KMS_STANDBY', 'retry')
  answers['a'] = ok
  await client.state()
  expect(asked).toEqual(['a', 'b', 'b', 'b', 'c', 'a'])
})

test.each([
  [refusal('KMS_NOT_ADMITTED', 'stop', 403), 'RELEASE_DENIED'],
  [refusal('KMS_EVIDENCE_REFUSED', 'stop', 403), 'RELEASE_DENIED'],
  [refusal('KMS_NO_POLICY', 'retry'), 'RELEASE_KMS_UNREACHABLE'],
  [refusal('HTTP_TOO_MANY', 'retry', 429), 'RELEASE_KMS_UNREACHABLE'],
])('what a serving replica says is final', async (answer, code) => {
  const { client, asked } = replicas({ a: answer, b: ok })
  await expect(client.state()).rejects.toMatchObject({ code })
  expect(asked).toEqual(['a'])
})

test('when none answers, the reason of the last is given', async () => {
  const { client } = replicas({ a: 'unreachable', b: refusal('KMS_STANDBY', 'retry') })
  await expect(client.state()).rejects.toMatchObject({
    code: 'RELEASE_KMS_UNREACHABLE',
    action: 'retry',
    found: 'KMS_STANDBY',
  })
})

test.each([
  [{ url: 'http://a' }, ['http://a']],
  ['http://a', ['http://a']],
  [
    ['http://a', 'https://b/'],
    ['http://a', 'https://b'],
  ],
  [[], undefined],
  [Array.from({ length: 9 }, () => 'http://a'), undefined],
  [['ftp://a'], undefined],
  [{ urls: ['http://a'] }, undefined],
])('a configuration names %j', (kms, urls) => {
  const decode = () => inferenceConfig({ listen: { port: 0 }, kms }, 'config')
  // What follows is missing, so a field that is fine leads to the next one.
  const message = (() => {
    try {
      decode()
      return ''
    } catch (error) {
      return (error as Error).message
    }
  })()
  if (urls === undefined) expect(message).toContain('config.kms')
  else expect(message).toContain('config.log')
})

test('evidence for a nonce is asked for by its address', async () => {
  const asked: string[] = []
  const client = createKmsClient('http://kms', (async (input: string) => {
    asked.push(input)
    return Response.json({})
  }) as typeof globalThis.fetch)
  await client.state()
  await client.state('A'.repeat(22))
  expect(asked).toEqual(['http://kms/v1/keys', `http://kms/v1/keys?nonce=${'A'.repeat(22)}`])
})
