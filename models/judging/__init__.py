"""How trainings stand, a module a task: rows of figures on clean pictures that the task's damage is added to."""
