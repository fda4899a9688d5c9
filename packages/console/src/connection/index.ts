export { type Connection, openConnection, type Phase } from './connection.svelte.ts'
export { type ConsoleConfig, parseConfig } from './config.ts'
export { refusalOf, troubleOf, type Trouble } from './trouble.ts'
