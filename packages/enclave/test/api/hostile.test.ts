import { describe, expect, test } from 'vitest'
import { fakeApi } from './support.ts'

function post(path: string, body: string, signal?: AbortSignal): Request {
  return new Request(`https://inference.sotto${path}`, { method: 'POST', body, ...(signal && { signal }) })
}

const many = (item: string): string => `[${Array(300_000).fill(item).join(',')}]`

describe('a body of a million wrong items is refused as fast as one of one', () => {
  test.each([
    ['/v1/embeddings', `{"input":${many('[]')}}`],
    ['/v1/embeddings', `{"input":${many('{}')}}`],
    ['/v1/completions', `{"prompt":${many('{}')}}`],
    ['/v1/completions', `{"prompt":"x","logit_bias":${many('1')}}`],
    ['/v1/chat/completions', `{"messages":[{"role":"user","content":${many('1')}}]}`],
    ['/v1/chat/completions', `{"messages":[{"role":"user","content":"x"}],"stop":${many('1')}}`],
    ['/v1/chat/completions', `{"messages":[{"role":"user","content":"x"}],"modalities":${many('1')}}`],
    ['/v1/chat/completions', `{"messages":${many('1')}}`],
    ['/v1/chat/completions', `{"messages":[{"role":"user","content":"x"}],"tools":${many('1')}}`],
    ['/v1/chat/completions', `{"messages":[{"role":"user","content":"x"}],"functions":${many('1')}}`],
    ['/v1/chat/completions', `{"messages":[{"role":"assistant","tool_calls":${many('{}')}}]}`],
    ['/v1/completions', `{"prompt":${many('"a"')}}`],
    ['/v1/responses', `{"input":${many('1')}}`],
    ['/v1/responses', `{"input":"x","include":${many('1')}}`],
  ])('%s %.24s', async (path, body) => {
    const { api } = fakeApi()
    const start = process.threadCpuUsage()
    const response = await api(post(path, body))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { code: body.includes('modalities') ? 'api_unsupported' : 'api_invalid' },
    })
    expect(process.threadCpuUsage(start).user).toBeLessThan(1_500_000)
  })
})

test('a client who left before its answer started stops the model', async () => {
  const { api, asked } = fakeApi()
  const leave = new AbortController()
  leave.abort()
  const request = new Request('https://inference.sotto/v1/completions', {
    method: 'POST',
    body: JSON.stringify({ model: 'talker', prompt: 'forever', stream: true }),
  })
  // A request whose signal has fired; one made with it would not have a readable body.
  Object.defineProperty(request, 'signal', { value: leave.signal })
  await api(request)
  expect(asked).toMatchObject({ generate: [{}], sawAborted: 1 })
})
