import { serveError } from '@sotto/serve/errors'
import { declaredLength } from '@sotto/serve/limits'
import { peerOf } from '@sotto/serve/server'
import type { OnBehalf } from './answer.ts'
import type { GatewayOptions } from './app.ts'
import { gatewayError } from './errors.ts'
import { createHeldBytes } from './held-bytes.ts'
import { DEFAULT_GATEWAY_LIMITS, type GatewayCaps } from './limits.ts'
import type { ServingIdentity } from './receipt.ts'

/**
 * Who may begin an exchange: one for an enclave, whatever dialects it answers. A second one would double the number of
 * exchanges and the memory that its limits speak of.
 */
export interface Admission {
  readonly limits: GatewayCaps
  /** Flushes of event streams. */
  readonly events: { readonly bucketBytes: number; readonly windowMs: number }
  /** As whom answers are signed now. @throws `GATEWAY_EXPIRED`, `GATEWAY_NOT_READY`, `GATEWAY_WITNESSES_SILENT` */
  requireServing(): ServingIdentity
  /** Takes a place for an outer message, by what stands outside alone. @throws `HTTP_BODY_TOO_LARGE`, `HTTP_BUSY` */
  enter(request: Request, message: { maxBytes: number; isHeldWhole: boolean }): Place
}

/** The place of one exchange. */
export interface Place {
  /** Counts bytes of a message that is held whole; of others nothing. @throws `HTTP_BUSY` */
  hold(bytes: number): void
  /** Runs the app for the party of this connection (T19). */
  readonly onBehalf: OnBehalf
  /** Gives the place and everything held back. Idempotent. */
  leave(): void
}

/** Makes the one {@link Admission} of an enclave. */
export function createAdmission(options: GatewayOptions): Admission {
  const limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits }
  const held = createHeldBytes(limits.allWholeBytes)
  let running = 0
  return {
    limits,
    events: { bucketBytes: 512, windowMs: 20, ...options.events },
    requireServing() {
      if (options.isExpired?.() === true) throw gatewayError('GATEWAY_EXPIRED', 'this deployment has ended')
      const identity = options.identity()
      if (identity !== undefined) return identity
      throw options.areWitnessesSilent?.() === true
        ? gatewayError('GATEWAY_WITNESSES_SILENT', 'the witnesses of the log have been silent for too long')
        : notReady()
    },
    enter(request, { maxBytes, isHeldWhole }) {
      const length = declaredLength(request.headers)
      if ((length ?? 0) > maxBytes) throw serveError('HTTP_BODY_TOO_LARGE', 'the message is too large')
      if (running >= limits.exchanges) throw serveError('HTTP_BUSY', 'too many exchanges are in progress')
      const reservation = isHeldWhole ? held.reserve(length) : undefined
      running++
      const { runAs } = options
      const peer = peerOf(request) ?? ''
      let isOver = false
      return {
        hold: (bytes) => reservation?.hold(bytes),
        onBehalf: (tokenClass, run) => (runAs ? runAs(`${peer} ${tokenClass ?? ''}`, run) : run()),
        leave() {
          if (isOver) return
          isOver = true
          running--
          reservation?.release()
        },
      }
    },
  }
}

/** What is said while nothing can be served. */
export function notReady(): Error {
  return gatewayError('GATEWAY_NOT_READY', 'this enclave is not attested yet, or its attestation is too old')
}
