import { describe, expect, it } from 'vitest'
import { APP_VARIABLE, appWordsBytes, isReservedVariable } from '../../src/app-variables/index.ts'

describe('a variable of an app', () => {
  it.each([
    'PORT',
    'PATH',
    'HOME',
    'TMPDIR',
    'OPENAI_BASE_URL',
    'OPENAI_API_KEY',
    'SOTTO_RELAY',
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
    'LD_AUDIT',
    'GLIBC_TUNABLES',
    'GCONV_PATH',
    'NODE_OPTIONS',
    'NODE_PATH',
    'NODE_EXTRA_CA_CERTS',
    'BUN_INSPECT',
    'DENO_DIR',
    'PERL5OPT',
    'PERL5LIB',
    'PERLLIB',
    'PYTHONPATH',
    'PYTHONSTARTUP',
    'PYTHONHOME',
    'RUBYOPT',
    'RUBYLIB',
    'BASH_ENV',
    'ENV',
    'PS4',
    'SHELLOPTS',
    'PROMPT_COMMAND',
    'IFS',
    'JAVA_TOOL_OPTIONS',
    'JDK_JAVA_OPTIONS',
    'CLASSPATH',
    'DOTNET_STARTUP_HOOKS',
    'CORECLR_PROFILER',
    'PHPRC',
    'LUA_INIT',
    'LUA_INIT_5_4',
    'LUA_CPATH',
    'GEM_HOME',
    'OPENSSL_CONF',
    'ERL_FLAGS',
  ])('is not %s: it says what is loaded, or is the enclave’s', (name) => {
    expect([APP_VARIABLE.test(name), isReservedVariable(name)]).toEqual([true, true])
  })

  it.each([
    'MODE',
    'API_TOKEN',
    'NODE_ENV',
    'DOTNET_ENVIRONMENT',
    'ENVIRONMENT',
    'LANG',
    'LDAP_URL',
    'PORTS',
    'GIT_SHA',
  ])('may be %s', (name) =>
    expect([APP_VARIABLE.test(name), isReservedVariable(name)]).toEqual([true, false]),
  )
})

it('words of an app count as they are copied: in UTF-8, each with its end', () => {
  expect(appWordsBytes([], {})).toBe(0)
  expect(appWordsBytes(['node', 'ä'], { A: '', BC: '€' })).toBe(5 + 3 + 3 + 7)
})
