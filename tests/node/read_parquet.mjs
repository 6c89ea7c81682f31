// read_parquet.mjs [--sql SQL]... READER[,READER] FILE... - print Parquet files as independent readers see them.
//
// READER is duckdb or hyparquet. For each reader and file: a line of the columns and their types, then a line per row, in
// JSON: an integer exactly, {"real": its 8 bytes in hexadecimal}, {"timestamp": microseconds since 1970}, a text as a string,
// {"blob": hexadecimal}, null. SQL is for DuckDB: queries over the view `file`, or of getvariable('file') for its path, in
// the place of all rows.
import { createWriteStream } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

const out = createWriteStream(null, { fd: 1 })

const hex = (bytes) => Buffer.from(bytes).toString('hex')
const real = (number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(number)
  return `{"real":"${hex(bytes)}"}`
}
const show = {
  integer: (value) => value.toString(),
  real,
  text: (value) => JSON.stringify(value),
  timestamp: (value) => `{"timestamp":${value}}`,
  blob: (value) => `{"blob":"${hex(value)}"}`,
  truth: (value) => String(value),
}

function print(columns, rows) {
  for (const row of rows) {
    const values = columns.map(({ type }, i) => (row[i] === null || row[i] === undefined ? 'null' : show[type](row[i])))
    out.write(`[${values.join(',')}]\n`)
  }
}

async function readWithDuckdb(file, queries) {
  const types = {
    BIGINT: 'integer',
    HUGEINT: 'integer', // what sum() makes of integers
    DOUBLE: 'real',
    VARCHAR: 'text',
    BLOB: 'blob',
    BOOLEAN: 'truth',
    'TIMESTAMP WITH TIME ZONE': 'timestamp',
  }
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const name = `'${file.replaceAll("'", "''")}'`
  await connection.run(`CREATE VIEW file AS FROM read_parquet(${name}); SET VARIABLE file = ${name}`)
  for (const sql of queries.length > 0 ? queries : ['SELECT * FROM file']) await query(connection, sql, types)
}

async function query(connection, sql, types) {
  const result = await connection.stream(sql)
  const columns = result.columnNames().map((name, i) => {
    const type = types[result.columnType(i).toString()]
    if (type === undefined) throw new Error(`column ${name} is ${result.columnType(i)}`)
    return { name, type }
  })
  out.write(`${JSON.stringify(columns)}\n`)
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) return
    const plain = (value) => value?.micros ?? value?.bytes ?? value
    print(columns, chunk.getRows().map((row) => row.map(plain)))
  }
}

async function readWithHyparquet(path) {
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  const columns = metadata.schema.slice(1).map((element) => {
    const { name, type, logical_type: logical } = element
    if (logical?.type === 'TIMESTAMP' && logical.isAdjustedToUTC && logical.unit === 'MICROS') return { name, type: 'timestamp' }
    if (type === 'INT64' && !logical) return { name, type: 'integer' }
    if (type === 'DOUBLE' && !logical) return { name, type: 'real' }
    if (type === 'BYTE_ARRAY') return { name, type: logical?.type === 'STRING' ? 'text' : 'blob' }
    throw new Error(`column ${name} is ${JSON.stringify(element)}`)
  })
  out.write(`${JSON.stringify(columns)}\n`)
  const parsers = { timestampFromMicroseconds: (micros) => micros }
  await parquetRead({
    file, metadata, compressors, parsers, utf8: false, rowFormat: 'array', onComplete: (rows) => print(columns, rows),
  })
}

const args = process.argv.slice(2)
const queries = []
while (args[0] === '--sql') queries.push(args.splice(0, 2)[1])
const readers = { duckdb: readWithDuckdb, hyparquet: readWithHyparquet }
const [chosen, ...files] = [(args[0] ?? '').split(','), ...args.slice(1)]
if (files.length === 0 || !chosen.every((reader) => Object.hasOwn(readers, reader))) {
  process.stderr.write('usage: read_parquet.mjs [--sql SQL]... duckdb|hyparquet|duckdb,hyparquet FILE...\n')
  process.exit(2)
}
for (const reader of chosen) for (const file of files) await readers[reader](file, queries)
