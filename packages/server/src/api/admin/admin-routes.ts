import type { FastifyError, FastifyInstance } from "fastify";
import { ControlUnavailableError } from "../../control/control-unavailable-error.ts";
import { sendProblem } from "../../http/problem.ts";
import type { AdminDeps } from "./admin-deps.ts";
import { auditRoutes } from "./audit-routes.ts";
import { deviceDoors } from "./device-doors.ts";
import { deviceRoutes } from "./device-routes.ts";
import { createGuessGuard } from "./guess-guard.ts";
import { invitationRoutes } from "./invitation-routes.ts";
import { operationsRoutes } from "./operations-routes.ts";
import { spaceRoutes } from "./space-routes.ts";

/** Seconds after which another process may have let go of the data. */
const BUSY_S = 5;

/** What an administrator does over HTTP, and the doors at which devices come in. Spec: SPACE-*, DEVICE-*, AUDIT-*. */
export const adminRoutes =
  (deps: AdminDeps) =>
  (app: FastifyInstance): void => {
    app.setErrorHandler<FastifyError | ControlUnavailableError>((error, request, reply) => {
      // Anything else is for the handler around this one.
      if (!(error instanceof ControlUnavailableError)) throw error;
      request.log.error({ reqId: request.id, err: error }, "the control store can't be written");
      if (error.reason === "full") {
        return sendProblem(reply, "storage_full", "the server's disk is full: nothing was changed");
      }
      reply.header("retry-after", String(BUSY_S));
      return sendProblem(reply, "unavailable", `${error.message}: nothing was changed`);
    });
    const guard = createGuessGuard(deps.runtime);
    spaceRoutes(deps, app);
    invitationRoutes(deps, app);
    deviceDoors(deps, guard, app);
    deviceRoutes(deps, app);
    auditRoutes(deps, app);
    operationsRoutes(deps, app);
  };
