import { describeEncoding } from '../encodings.ts'
import { EXAMPLES } from './examples.ts'

describe('objects of epochs', () => {
  for (const example of EXAMPLES) describeEncoding(example)
})
