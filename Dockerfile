# The pinned environment with the workflow: docker build -t uscl . && docker run --rm -v "$PWD/results:/uscl/results" uscl
FROM python:3.11-slim
ENV PYTHONDONTWRITEBYTECODE=1 MLFLOW_DISABLE_TELEMETRY=true
WORKDIR /uscl
COPY requirements.lock requirements-cuda.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement requirements-cuda.lock
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
ENTRYPOINT ["snakemake"]
CMD ["--cores", "all"]
