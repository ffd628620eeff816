import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { PROBLEM_MEDIA_TYPE } from "@synchro/protocol";
import type { FastifyInstance } from "fastify";
import { version } from "../version.ts";

/**
 * The page's own scripts, styles and images, the API beside it, and nothing of anybody else: a page
 * in open mode must not be able to tell another host what it reads here.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const description =
  "Record synchronization for devices that are offline half of the day. " +
  "Errors are problem details (RFC 9457) with a stable `code`.";

type Document = {
  readonly paths?: {
    readonly [path: string]: {
      readonly [method: string]: {
        readonly responses?: {
          readonly [status: string]: { content?: { [type: string]: unknown } };
        };
      };
    };
  };
};

/** Every error of the dialects is a problem document, whatever the framework supposes. */
const nameProblems = (document: Document): void => {
  for (const methods of Object.values(document.paths ?? {})) {
    for (const { responses = {} } of Object.values(methods)) {
      for (const status of ["4XX", "5XX"]) {
        const answer = responses[status];
        const schema = answer?.content?.["application/json"];
        if (answer !== undefined && schema !== undefined) {
          answer.content = { [PROBLEM_MEDIA_TYPE]: schema };
        }
      }
    }
  }
};

/** Notes the schemas of the routes that are added after it, for {@link addDocsRoutes}. */
export const collectRouteSchemas = async (app: FastifyInstance): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Synchro",
        version,
        description,
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      components: {
        securitySchemes: {
          token: {
            type: "http",
            scheme: "bearer",
            bearerFormat: "JWT",
            description: "A token of this server's keys. In open mode none is needed.",
          },
        },
      },
      security: [{ token: [] }, {}],
      tags: [
        { name: "v1", description: "The original interface, to the letter." },
        { name: "v2", description: "The synchronization protocol." },
        { name: "devices", description: "How a device gets in, and its next token." },
        { name: "admin", description: "Spaces, devices, and who did what." },
        { name: "operations", description: "For the people who run the server." },
      ],
    },
    convertConstToEnum: false,
    transformObject: (document) => {
      const { openapiObject } = document as { readonly openapiObject: Document };
      nameProblems(openapiObject);
      return openapiObject;
    },
  });
};

/** `/openapi.json` (OpenAPI 3.1) and `/docs`, a page to browse it with, which loads nothing from elsewhere. */
export const addDocsRoutes = async (app: FastifyInstance): Promise<void> => {
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: CONTENT_SECURITY_POLICY,
    theme: { title: "Synchro API" },
    uiConfig: { layout: "BaseLayout", deepLinking: true, displayRequestDuration: true },
  });
  let text: string | null = null;
  app.get("/openapi.json", { schema: { hide: true }, exposeHeadRoute: true }, (_, reply) => {
    text ??= JSON.stringify(app.swagger());
    return reply
      .header("content-type", "application/json")
      .header("cache-control", "no-cache")
      .send(text);
  });
};
