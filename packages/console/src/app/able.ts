/**
 * What this browser lacks of what the check needs, by its name; undefined when it has everything. Without `crypto.subtle`
 * the page came over plain HTTP from another machine, which could have changed it on the way.
 */
export function lackingFeature(scope: typeof globalThis = globalThis): string | undefined {
  const needs: readonly [name: string, has: boolean][] = [
    ['HTTPS', scope.crypto?.subtle !== undefined],
    ['Promise.withResolvers', typeof scope.Promise.withResolvers === 'function'],
    ['AbortSignal.any', typeof scope.AbortSignal?.any === 'function'],
    ['Array.prototype.toSorted', typeof scope.Array.prototype.toSorted === 'function'],
    ['indexedDB', 'indexedDB' in scope],
    ['light-dark()', scope.CSS?.supports('color', 'light-dark(#000, #fff)')],
  ]
  return needs.find(([, has]) => !has)?.[0]
}
