export { collateralFetch } from './fetch.ts'
export { collateralPack } from './pack.ts'
export { collateralShow } from './show.ts'
