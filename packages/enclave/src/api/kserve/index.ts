export { createKserve } from './routes.ts'
