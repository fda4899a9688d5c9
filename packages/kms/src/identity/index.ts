export { createIdentity, genesisOf, requireSameGenesis } from './genesis.ts'
