import { Socket } from 'node:net'
import { Channel } from '../channel/index.ts'
import type { Engine, RuntimeName } from '../types.ts'
import { dieNow, loadEngine } from './load.ts'
import { serve } from './serve.ts'

/** The channel: a socket the host gave us. */
const CHANNEL_DESCRIPTOR = 3

/** Makes this process an engine process: one model, spoken to over descriptor 3, ended with its host. */
export function runWorker(create: (name: RuntimeName) => Promise<Engine>): void {
  process.on('uncaughtException', dieNow)
  process.on('unhandledRejection', dieNow)
  const socket = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true })
  const channel: Channel = new Channel(socket, {
    onControl: (header, payload) => {
      if (header.k === 'load') void loadEngine(payload, channel, create)
    },
    onOpen: serve,
    onClose: dieNow,
  })
}
