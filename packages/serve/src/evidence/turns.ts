import { createTurns, type Turns } from '@sotto/protocol/turns'

/** Runs what shares one thing of this machine, a device by its path, in turn within this process. It keeps no other process out. */
export const inTurn: Turns = createTurns()
