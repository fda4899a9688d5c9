import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import {
  type ContractCall,
  type ContractView,
  contractViewDecoder,
  MAX_CALL_ANSWER_BYTES,
  permitAnswerDecoder,
  type ReleaseCall,
  type RunAnswer,
  runAnswerDecoder,
  type RunCall,
  type ShowCall,
} from '@sotto/protocol/contract'
import { SottoError } from '@sotto/protocol/errors'
import { type Decoder, parseStrictJson } from '@sotto/protocol/jcs'
import { sealCall } from '@sotto/protocol/sealed-call'
import type { ContractCarrier } from '../../release/index.ts'
import { roomRoleError } from '../errors.ts'

/** What a room asks of the KMS. */
export interface KmsCalls {
  /** @throws `ROOM_KMS`, `ROOM_KMS_UNREACHABLE` */
  run(call: RunCall, importKey: string): Promise<RunAnswer>
  /** Where a contract stands. @throws as {@link KmsCalls.run} */
  show(call: ShowCall, importKey: string): Promise<ContractView>
  /** @returns the envelope of a permit. @throws as {@link KmsCalls.run} */
  release(call: ReleaseCall, importKey: string): Promise<string>
}

/**
 * Calls to a KMS that was verified, sealed to the key that its evidence binds. The same call again has the same answer,
 * so that one which was lost may be repeated.
 */
export function createKmsCalls(carrier: ContractCarrier): KmsCalls {
  async function ask<T>(call: ContractCall, importKey: string, decoder: Decoder<T>): Promise<T> {
    const sealed = sealCall(importKey, utf8(JSON.stringify(call)))
    let answer: unknown
    try {
      const bytes = sealed.open(await carrier.contracts(sealed.bytes))
      answer = parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_CALL_ANSWER_BYTES })
    } catch (cause) {
      const found = cause instanceof SottoError ? cause.found : undefined
      const isRefused = cause instanceof SottoError && cause.code === 'RELEASE_DENIED'
      throw roomRoleError(
        isRefused ? 'ROOM_KMS' : 'ROOM_KMS_UNREACHABLE',
        isRefused ? 'the KMS refuses' : 'the KMS does not answer',
        { cause, ...(found !== undefined && { found }) },
      )
    }
    const refusal = (answer as { error?: { code?: unknown; action?: unknown } } | null)?.error
    if (refusal !== undefined) {
      const found = typeof refusal.code === 'string' && CODE.test(refusal.code) ? refusal.code : 'a refusal'
      const isRetry = refusal.action === 'retry'
      throw roomRoleError(isRetry ? 'ROOM_KMS_UNREACHABLE' : 'ROOM_KMS', 'the KMS refuses', { found })
    }
    try {
      return decoder(answer, 'answer')
    } catch (cause) {
      throw roomRoleError('ROOM_KMS_UNREACHABLE', 'the KMS answers something that is no answer', { cause })
    }
  }

  return {
    show: (call, importKey) => ask(call, importKey, contractViewDecoder),
    run: (call, importKey) => ask(call, importKey, runAnswerDecoder),
    release: async (call, importKey) => (await ask(call, importKey, permitAnswerDecoder)).permit,
  }
}

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/
