import { read, refuse, same, take } from '../../../lib/orders';

export async function POST(request) {
  const token = process.env.WEBHOOK_TOKEN;
  if (token && !same(request.nextUrl.searchParams.get('token') ?? '', token)) return refuse(401, 'wrong token');
  const body = await read(request);
  if (body === undefined) return refuse(400, 'the body is not JSON');
  const { taskId, state, resultJson, failCode, failMsg } = body.data ?? {};
  if (typeof taskId !== 'string' || taskId === '') return refuse(400, 'data.taskId is missing');
  let urls;
  if (state === 'success') {
    try {
      urls = JSON.parse(resultJson).resultUrls; // resultJson is JSON in a string
    } catch {
      return refuse(400, 'data.resultJson is not JSON');
    }
  } else if (state !== 'failed') {
    return refuse(400, 'data.state is not final');
  }
  return take(request, taskId, body, () => (state === 'failed' ? `failed: ${failCode} ${failMsg}` : { urls }));
}
