/** Words that may stand only in the named places, and why. Comments and strings count too: nothing is worth an exception. */
interface Ban {
  readonly word: RegExp
  readonly why: string
  /** Files in which the word may stand. */
  readonly except: (file: string) => boolean
}

const never = (): boolean => false
const within =
  (...prefixes: string[]) =>
  (file: string): boolean =>
    prefixes.some((prefix) => file.startsWith(prefix))

export const BANS: readonly Ban[] = [
  { word: /\bMath\.random\b/, why: 'randomness comes from the operating system', except: never },
  {
    word: /\.expose\(/,
    why: 'a secret is plain only where it is used',
    except: within('enclave-runtime/guest/', 'protocols/', 'src/sdk/device/'),
  },
  {
    word: /\bprocess\.env\b/,
    why: 'settings have one door',
    except: within('src/node/config.ts', 'src/testnet/anvil.ts', 'src/cli/main.ts'),
  },
  {
    word: /\bDate\.now\b|\bnew Date\(\)/,
    why: 'time is an argument',
    except: within('src/', 'enclave-runtime/guest/sessions/monotonic-clock.ts'),
  },
  {
    word: /\bset(?:Timeout|Interval)\b|\bperformance\b|\bAbortSignal\.timeout\b/,
    why: 'protocols have no clock',
    except: within('src/', 'enclave-runtime/'),
  },
  {
    word: /\bset(?:Timeout|Interval)\(\s*async\b|\baddEventListener\([^)]*,\s*async\b/,
    why: 'nobody would see such a promise fail',
    except: never,
  },
  { word: /\beval\(|\bnew Function\(/, why: 'no code from text', except: never },
  { word: /\bconsole\./, why: 'output has one door', except: never },
]

/** The bans that `source`, the text of `file`, breaks. */
export const forbidden = (file: string, source: string): string[] =>
  BANS.filter(({ word, except }) => !except(file) && word.test(source)).map(
    ({ word, why }) => `${file}: ${word.source} (${why})`,
  )
