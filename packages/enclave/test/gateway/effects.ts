import type { GatewayOptions } from '../../src/gateway/app.ts'
import { openGateway, outerRequest, type TestGateway } from './parties.ts'

export interface Effects {
  gateway: TestGateway
  /** Bodies the app read to their end: what a state-changing route would have acted on. */
  effects: string[]
}

export function withEffects(change: Partial<GatewayOptions> = {}): Effects {
  const effects: string[] = []
  const gateway = openGateway(async (request) => {
    const body = await request.text()
    effects.push(body)
    return new Response(body)
  }, change)
  return { gateway, effects }
}

export async function post(
  gateway: TestGateway,
  bytes: Uint8Array,
): Promise<{ status: number; code: string }> {
  const response = await gateway.app(outerRequest(bytes))
  if (response.status === 200) {
    await response.arrayBuffer()
    return { status: 200, code: '' }
  }
  const body = (await response.json()) as { error?: { code: string }; type?: string }
  return { status: response.status, code: body.error?.code ?? body.type! }
}

export const REFUSED = { status: 400, code: 'GATEWAY_REFUSED' }
export const MESSAGE = { body: 'pay 100' + '.'.repeat(300) }
