import { Agent, request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { openAnswer, startTestProxy } from './folder.ts'

describe('the end of a proxy', () => {
  it('lets answers under way finish, and takes no more', async () => {
    const answer = openAnswer()
    const { proxy } = await startTestProxy(() => answer.response)
    const response = await fetch(`${proxy.url}/v1/models`)
    answer.say('one ')
    const ended = proxy.drain(5000)
    await expect
      .poll(() =>
        fetch(`${proxy.url}/healthz`).then(
          () => 'taken',
          () => 'refused',
        ),
      )
      .toBe('refused')
    answer.say('two')
    answer.end()
    expect(await response.text()).toBe('one two')
    await ended
  })

  it('cuts what takes longer than it may', async () => {
    const answer = openAnswer()
    const { proxy } = await startTestProxy(() => answer.response)
    const response = await fetch(`${proxy.url}/v1/models`)
    answer.say('one')
    await proxy.drain(50)
    await expect(response.text()).rejects.toThrow()
  })

  it('comes at once when it is asked for a second time', async () => {
    const answer = openAnswer()
    const { proxy } = await startTestProxy(() => answer.response)
    const response = await fetch(`${proxy.url}/v1/models`)
    const ended = proxy.drain(60_000)
    await proxy.drain(60_000)
    await ended
    await expect(response.text()).rejects.toThrow()
  })

  it('says first that it is not ready, and takes requests for as long as that takes to get about', async () => {
    const { proxy } = await startTestProxy(() => Response.json({}), {
      metrics: { host: '127.0.0.1', port: 0 },
    })
    expect((await fetch(`${proxy.metricsUrl}/readyz`)).status).toBe(200)
    const ended = proxy.drain(300)
    const told = await fetch(`${proxy.metricsUrl}/readyz`)
    expect([told.status, await told.json()]).toEqual([503, { status: 'not-ready', code: 'SHUTTING_DOWN' }])
    const late = await fetch(`${proxy.url}/v1/models`)
    expect([late.status, late.headers.get('connection')]).toEqual([200, 'close'])
    await ended
    await expect(fetch(`${proxy.url}/v1/models`)).rejects.toThrow()
  })

  it('waits for no connection over which nothing goes', async () => {
    const { proxy } = await startTestProxy(() => Response.json({}))
    const agent = new Agent({ keepAlive: true })
    await new Promise<void>((resolve) =>
      request(`${proxy.url}/healthz`, { agent }, (answer) => answer.resume().once('end', resolve)).end(),
    )
    const since = performance.now()
    await proxy.drain(10_000)
    expect(performance.now() - since).toBeLessThan(5000)
    agent.destroy()
  })
})

describe('users who share a proxy', () => {
  it('get in fairly over the wire: a flood of one waits for itself', async () => {
    const answers: ReturnType<typeof openAnswer>[] = []
    const { proxy } = await startTestProxy(
      () => {
        const answer = openAnswer()
        answers.push(answer)
        return answer.response
      },
      { limits: { maxConcurrent: 1, maxWaiting: 2, maxWaitMs: 60_000 } },
    )
    const ask = (): Promise<Response> => fetch(`${proxy.url}/v1/models`)
    const three = [ask(), ask(), ask()]
    await expect.poll(() => answers.length).toBe(1)
    let fourth!: Response
    await expect.poll(async () => (fourth = await ask()).status).toBe(503)
    expect(fourth.headers.get('retry-after')).toBe('1')
    expect(await fourth.json()).toMatchObject({ error: { code: 'sotto_proxy_busy', action: 'retry' } })
    for (let i = 0; i < 3; i++) {
      await expect.poll(() => answers.length).toBe(i + 1)
      answers[i]!.end()
    }
    for (const response of await Promise.all(three)) expect(response.status).toBe(200)
  })

  it('who leaves while it waits leaves the line', async () => {
    const answers: ReturnType<typeof openAnswer>[] = []
    const { proxy, asked } = await startTestProxy(
      () => {
        const answer = openAnswer()
        answers.push(answer)
        return answer.response
      },
      { limits: { maxConcurrent: 1 }, metrics: { host: '127.0.0.1', port: 0 } },
    )
    const first = await fetch(`${proxy.url}/v1/models`)
    const leave = new AbortController()
    const left = fetch(`${proxy.url}/v1/models`, { signal: leave.signal }).catch((error: Error) => error.name)
    const metrics = async (): Promise<string> => (await fetch(`${proxy.metricsUrl}/metrics`)).text()
    await expect.poll(metrics).toContain('sotto_proxy_waiting 1\n')
    leave.abort()
    expect(await left).toBe('AbortError')
    await expect.poll(metrics).toContain('sotto_proxy_waiting 0\n')
    answers[0]!.end()
    await first.text()
    await expect.poll(metrics).toContain('sotto_proxy_in_flight 0\n')
    expect(asked).toHaveLength(1)
    expect(await metrics()).toContain('requests_total{route="models",status="499"} 1')
  })
})
