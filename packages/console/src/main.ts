import { mount } from 'svelte'
import App from './app/App.svelte'
import { openConnection } from './connection/index.ts'
import { applyTheme } from './app/theme.svelte.ts'

applyTheme()
mount(App, { target: document.getElementById('app')!, props: { connection: openConnection() } })
